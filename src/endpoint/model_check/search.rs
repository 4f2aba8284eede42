//! All worlds that come of one, up to a depth: breadth first, so that the first fault found has the shortest way to it.

use super::world::{Ending, Network, Step, Violation, World};
use crate::reliability::Hooks;
use core::fmt;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::string::String;
use std::vec;
use std::vec::Vec;

/// Steps after which two endpoints that are left alone should long be quiet: each retransmits at most four times,
/// forgets, and hears each datagram once.
const CALM: u32 = 100;

/// A fault, and the way to it.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) violation: Violation,
    /// Each step as a line. The last one did it.
    pub(super) path: Vec<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:?}:", self.violation)?;
        self.path.iter().try_for_each(|line| writeln!(f, "  {line}"))
    }
}

/// What was found out.
#[derive(Debug, Default)]
pub(super) struct Explored {
    /// How many distinct worlds.
    pub(super) worlds: usize,
    /// What was seen of them from the endpoints and their applications.
    pub(super) views: HashSet<u64>,
    /// How often one came of another.
    pub(super) steps: u64,
    /// Distinct worlds that came of them in the calm.
    pub(super) calm: usize,
    /// In how many worlds the request had ended, by how.
    pub(super) endings: BTreeMap<Option<Ending>, u32>,
}

impl Explored {
    fn count(&mut self, world: &World) {
        self.worlds += 1;
        self.views.insert(world.view());
        *self.endings.entry(world.ended()).or_default() += 1;
    }
}

impl fmt::Display for Explored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Explored { worlds, views, steps, calm, endings } = self;
        write!(
            f,
            "{worlds} distinct states by {steps} steps, {} without the network; {calm} in the calm; ",
            views.len()
        )?;
        write!(f, "{endings:?}")
    }
}

/// How a world was first come to.
type Origins = HashMap<u64, Option<(u64, Step)>>;

pub(super) struct Search {
    pub(super) network: Network,
    pub(super) hooks: Hooks,
    pub(super) depth: u32,
    /// Whether each world is left alone as well, to see that all comes to an end.
    pub(super) calm: bool,
}

impl Search {
    /// Looks at each world once. A fault ends it.
    pub(super) fn run(&self) -> Result<Explored, Fault> {
        let mut explored = Explored::default();
        let first = self.first();
        let mut origins = Origins::from([(first.key(), None)]);
        explored.count(&first);
        let mut layer = vec![(first.key(), first)];
        let mut known = [HashSet::new(), HashSet::new()];
        for depth in 0..=self.depth {
            for (key, world) in layer.iter().filter(|_| self.calm) {
                for (bad, known) in [false, true].into_iter().zip(&mut known) {
                    rest(world.clone(), bad, known)
                        .map_err(|(violation, steps)| self.fault(violation, &origins, *key, &steps, Some(bad)))?;
                }
            }
            if depth == self.depth {
                break;
            }
            let mut next = Vec::new();
            for (before, world) in &layer {
                for step in world.steps() {
                    let mut world = world.clone();
                    explored.steps += 1;
                    world.take(step).map_err(|violation| self.fault(violation, &origins, *before, &[step], None))?;
                    let key = world.key();
                    if origins.contains_key(&key) {
                        continue;
                    }
                    origins.insert(key, Some((*before, step)));
                    explored.count(&world);
                    next.push((key, world));
                }
            }
            layer = next;
        }
        explored.calm = known.iter().map(HashSet::len).sum();
        Ok(explored)
    }

    fn first(&self) -> World {
        World::new(self.network, self.hooks).expect("a request is no fault")
    }

    /// Goes the way once more, to tell of it: to a world, from there by a step, or through the calm.
    fn fault(&self, violation: Violation, origins: &Origins, key: u64, last: &[Step], calm: Option<bool>) -> Fault {
        let mut steps = Vec::new();
        let mut at = key;
        while let Some(&Some((before, step))) = origins.get(&at) {
            steps.push(step);
            at = before;
        }
        let mut world = self.first();
        let mut path = Vec::new();
        let mut tell = |world: &mut World, step| {
            path.push(world.describe(step));
            let _ = world.take(step);
        };
        steps.into_iter().rev().for_each(|step| tell(&mut world, step));
        if let Some(bad) = calm {
            world.calm(bad);
        }
        last.iter().for_each(|&step| tell(&mut world, step));
        if let Some(bad) = calm {
            let text = if bad { "then all in flight is lost:" } else { "then all arrives:" };
            path.insert(path.len().saturating_sub(last.len()), text.into());
        }
        Fault { violation, path }
    }
}

/// Leaves a world alone until all is over. `bad`: with all in flight lost, and an application that answers no more.
fn rest(mut world: World, bad: bool, known: &mut HashSet<u64>) -> Result<(), (Violation, Vec<Step>)> {
    world.calm(bad);
    let mut steps = Vec::new();
    for _ in 0..CALM {
        // What came of this one is known.
        if !known.insert(world.key()) {
            return Ok(());
        }
        let Some(step) = world.calm_step(!bad) else {
            return world.rest().map_err(|violation| (violation, steps));
        };
        steps.push(step);
        if let Err(violation) = world.take(step) {
            return Err((violation, steps));
        }
    }
    Err((Violation::NeverQuiet, steps))
}
