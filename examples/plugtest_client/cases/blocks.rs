//! RFC 7959.

use super::{at, codes, etag};
use crate::check;
use crate::client::{Client, Outcome};
use coaplet::Code;
use coaplet::wire::Block;

pub fn blocks(c: &mut Client<'_>, size: Option<u16>) -> Outcome {
    let (body, all) = c.download("large", size)?;
    check!(all.len() > 1 && body.len() > 1024, "{} bytes in {} messages", body.len(), all.len());
    let etag = etag(&all[0])?;
    let first = all[0].message().block2().and_then(Block::size);
    check!(size.is_none_or(|size| first.is_some_and(|first| first <= size)), "blocks of {first:?}");
    for heard in &all {
        check!(heard.message().etag() == Some(&etag[..]), "another ETag in {}", heard.message());
        check!(heard.message().block2().and_then(Block::size) == first, "another size in {}", heard.message());
    }
    Ok(())
}

/// A body of more than one block.
fn body(what: &str) -> Vec<u8> {
    (0..30).flat_map(|line| format!("{what}, line {line}\n").into_bytes()).collect()
}

pub fn put_in_blocks(c: &mut Client<'_>) -> Outcome {
    c.ask(Code::GET, &[Code::CONTENT], &at("large-update"))?;
    let body = body("put");
    c.upload(Code::PUT, "large-update", &body, codes(Code::PUT))?;
    check!(c.download("large-update", None)?.0 == body, "another body than was put");
    Ok(())
}

pub fn post_in_blocks(c: &mut Client<'_>) -> Outcome {
    let body = body("post");
    let heard = c.upload(Code::POST, "large-create", &body, &[Code::CREATED])?;
    let path: Vec<_> = heard.message().location_path().flatten().collect();
    check!(!path.is_empty(), "no Location-Path in {}", heard.message());
    check!(c.download(&path.join("/"), None)?.0 == body, "another body than was posted");
    Ok(())
}

pub fn both_ways_in_blocks(c: &mut Client<'_>) -> Outcome {
    // Its answer is as long, or longer.
    let body = body("both ways").repeat(5);
    let first = c.upload(Code::POST, "large-post", &body, &[Code::CHANGED])?;
    let (mut answer, mut heard) = (Vec::new(), first);
    check!(heard.message().block2().is_some_and(Block::more), "the answer is not in blocks: {}", heard.message());
    while let Some(block) = c.next_block(&heard, &mut answer)? {
        heard = c.ask(Code::POST, &[Code::CHANGED], &|w| _ = w.path("large-post").block2(block))?;
    }
    check!(answer.len() >= body.len(), "{} bytes for {}", answer.len(), body.len());
    Ok(())
}
