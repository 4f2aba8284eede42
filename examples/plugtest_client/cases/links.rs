//! RFC 6690.

use super::at;
use crate::client::{Client, Outcome, Why};
use crate::{check, fail};
use coaplet::link::{Filter, Link, Links};
use coaplet::{Code, ContentFormat};

/// The list, or what a filter leaves of it; each link is to be as this says.
pub fn links(c: &mut Client<'_>, filter: Option<&str>, is_right: impl Fn(&Link<'_>) -> bool) -> Outcome<String> {
    let (mut body, mut block) = (Vec::new(), None);
    loop {
        let heard = c.ask(Code::GET, &[Code::CONTENT], &|w| {
            w.path(".well-known/core");
            if let Some(filter) = filter {
                w.query(filter);
            }
            if let Some(block) = block {
                w.block2(block);
            }
        })?;
        let format = heard.message().content_format();
        // No links have no format: so libcoap.
        let empty = heard.payload().is_empty() && format.is_none();
        check!(empty || format == Some(ContentFormat::LINK_FORMAT), "not links: {}", heard.message());
        block = c.next_block(&heard, &mut body)?;
        if block.is_none() {
            break;
        }
    }
    let links = Links::parse(&body).map_err(|error| Why::Failed(format!("not links: {error}")))?;
    if let Some(wrong) = links.iter().find(|link| !is_right(link)) {
        fail!("{wrong} is not asked for by {filter:?}");
    }
    Ok(links.as_str().to_string())
}

/// What a filter leaves is what it is to leave: nothing else, and all of that.
pub fn some_links(c: &mut Client<'_>, filter: &str, is_right: fn(&Link<'_>) -> bool) -> Outcome {
    let all = links(c, None, |_| true)?;
    let some = links(c, Some(filter), is_right)?;
    let count = |text: &str| Links::parse(text.as_bytes()).map_or(0, |links| links.iter().filter(is_right).count());
    check!(count(&all) == count(&some), "{} of {} links", count(&some), count(&all));
    if count(&some) == 0 { Err(Why::NotOffered) } else { Ok(()) }
}

/// The types of a link that is there.
fn types(c: &mut Client<'_>, target: &str) -> Outcome<Vec<String>> {
    let all = links(c, None, |_| true)?;
    let links = Links::parse(all.as_bytes()).map_err(|error| Why::Failed(error.to_string()))?;
    let link = links.iter().find(|link| link.target() == target).ok_or(Why::NotOffered)?;
    let types = link.get("rt").ok_or(Why::NotOffered)?.to_string();
    Ok(types.split(' ').map(str::to_string).collect())
}

fn of_type(c: &mut Client<'_>, target: &str, which: usize) -> Outcome {
    let types = types(c, target)?;
    let Some(wanted) = types.get(which) else { return Err(Why::NotOffered) };
    let argument = format!("rt={wanted}");
    let filter = Filter::new(&argument);
    let some = links(c, Some(&argument), |link| filter.matches(link))?;
    check!(some.contains(&format!("<{target}>")), "{target} is not among {some}");
    Ok(())
}

pub fn type_of_link1(c: &mut Client<'_>) -> Outcome {
    of_type(c, "/link1", 0)
}

pub fn second_type_of_link2(c: &mut Client<'_>) -> Outcome {
    of_type(c, "/link2", 1)
}

pub fn targets(c: &mut Client<'_>, filter: &str, expected: &[&str]) -> Outcome {
    types(c, expected[0])?;
    let some = links(c, Some(filter), |_| true)?;
    let links = Links::parse(some.as_bytes()).map_err(|error| Why::Failed(error.to_string()))?;
    let mut targets: Vec<&str> = links.iter().map(|link| link.target()).collect();
    targets.sort_unstable();
    check!(targets == expected, "{targets:?}");
    Ok(())
}

pub fn links_of_links(c: &mut Client<'_>) -> Outcome {
    links(c, None, |_| true)?;
    let heard = c.ask(Code::GET, &[Code::CONTENT], &at("path"))?;
    check!(heard.message().content_format() == Some(ContentFormat::LINK_FORMAT), "not links: {}", heard.message());
    let text = heard.text();
    let links = Links::parse(text.as_bytes()).map_err(|error| Why::Failed(error.to_string()))?;
    check!(links.iter().count() >= 3, "{text}");
    for link in links.iter() {
        c.ask(Code::GET, &[Code::CONTENT], &|w| _ = w.path(link.target()))?;
    }
    Ok(())
}
