//! Keeps the house: who may import whom, what belongs where, and what no file may say.
//!
//! - The rules are data or small functions over a file's text, each tested with a file that breaks it.
//! - Texts are read by simple rules, not by a compiler: comments and strings are taken out first ([`source`]).

mod circles;
mod frame;
mod layers;
mod modules;
mod pages;
mod rooms;
mod source;
mod surface;
mod words;

use source::{Source, Tree};

/// Fails with all that was found, one line each.
fn assert_none(rule: &str, found: &[String]) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

/// Every line that a rule finds wrong in our sources.
fn in_sources(rule: impl Fn(&Source) -> Vec<String>) -> Vec<String> {
    Tree::of_the_repository().sources().iter().flat_map(rule).collect()
}

#[test]
fn layers_import_only_downwards() {
    assert_none("a layer imports one that it may not (ARCHITECTURE.md has the table)", &in_sources(layers::violations));
}

#[test]
fn files_of_a_layer_import_each_other_in_no_circle() {
    let tree = Tree::of_the_repository();
    assert_none("files import each other in a circle", &circles::circles(tree.sources()));
}

#[test]
fn openraft_and_rocksdb_stay_in_their_rooms() {
    assert_none("a library is named outside the folder that owns it", &in_sources(rooms::libraries));
}

#[test]
fn generated_types_stop_at_the_wire() {
    assert_none("a generated type is named past the layers that translate it", &in_sources(rooms::generated));
}

#[test]
fn the_machine_is_pure() {
    assert_none(
        "the machine must not depend on clocks, chance, order, threads or the world",
        &in_sources(rooms::machine),
    );
}

#[test]
fn every_limit_is_in_the_room_of_limits() {
    assert_none("a limit belongs in src/types/limits.rs", &in_sources(rooms::limits));
}

#[test]
fn no_file_is_dead() {
    let tree = Tree::of_the_repository();
    let roots = [
        "src/lib.rs",
        "src/main.rs",
        "cluster-tests/src/lib.rs",
        "cluster-tests/src/main.rs",
        "cluster-tests/tests/readme/main.rs",
        "cluster-tests/tests/scenarios/main.rs",
        "cluster-tests/tests/stock_clients/main.rs",
        "cluster-tests/tests/tidy/main.rs",
        "cluster-tests/tests/transcripts/main.rs",
        "build.rs",
        "examples/account.rs",
        "examples/cache.rs",
        "examples/client.rs",
        "examples/devices.rs",
        "examples/enrich.rs",
        "examples/members.rs",
        "examples/order.rs",
        "examples/patient.rs",
        "examples/payment.rs",
        "examples/quickstart.rs",
        "examples/saga.rs",
        "examples/shipment.rs",
        "examples/worker_pool.rs",
        "cluster-tests/build.rs",
    ];
    assert_none("a file is reached by no `mod`", &modules::dead(tree.sources(), &roots));
}

#[test]
fn every_file_begins_by_saying_what_holds() {
    assert_none("a file has no head (`//! …`)", &in_sources(words::headless));
}

#[test]
fn no_file_says_what_none_may_say() {
    let tree = Tree::of_the_repository();
    let found: Vec<String> = tree.texts().iter().flat_map(|(path, text)| words::banned(path, text)).collect();
    assert_none("a banned word, a path of one machine, or an unknown host", &found);
}

#[test]
fn the_crate_offers_what_is_listed_and_nothing_else() {
    assert_none("the public surface is not that of surface.txt", &surface::differences(&Tree::of_the_repository()));
}

#[test]
fn every_example_has_its_line_in_the_index() {
    assert_none("examples/README.md does not list what is there", &frame::examples_out_of_index());
}

#[test]
fn the_top_level_is_the_agreed_frame() {
    assert_none("the top level holds what it should not", &frame::strangers(&frame::top_level()));
}

#[test]
fn every_decision_is_in_the_index() {
    assert_none("the index of decisions is not complete", &pages::decisions(&Tree::of_the_repository()));
}

#[test]
fn the_architecture_page_shows_the_layers_as_they_are() {
    assert_none("ARCHITECTURE.md shows other layers", &pages::layers());
}

#[test]
fn every_path_that_a_page_names_is_there() {
    assert_none("a page names a path that leads nowhere", &pages::paths(&Tree::of_the_repository()));
}

#[test]
fn the_black_box_does_not_look_inside() {
    assert_none("cluster-tests must not depend on oncelog", &frame::inside_the_black_box());
}
