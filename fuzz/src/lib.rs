//! What the fuzz targets share. Most of it belongs to the tests of the library and is read from there: the grammar, the
//! model of the writer, the checks of the getters, the second readers of URIs and links, the two endpoints and what must
//! hold of them. So a fuzzer and a
//! property test that disagree would be news.

#[path = "../../tests/common/agree.rs"]
pub mod agree;
#[path = "../../tests/transfers/any.rs"]
pub mod any;
#[path = "../../tests/grammar/mod.rs"]
pub mod grammar;
#[path = "../../tests/common/link_model.rs"]
pub mod link_model;
#[path = "../../tests/state_machine/mod.rs"]
pub mod machine;
#[path = "../../tests/common/model.rs"]
pub mod model;
#[path = "../../tests/common/registry.rs"]
pub mod registry;
#[path = "../../tests/common/script.rs"]
pub mod script;
#[path = "../../tests/common/uri_model.rs"]
pub mod uri_model;
#[path = "../../tests/common/view.rs"]
pub mod view;

pub mod bytecode;
pub mod commands;
pub mod peer;
