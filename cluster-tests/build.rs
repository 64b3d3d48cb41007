//! Compiles the protos into clients of our own: a black box is asked from outside. Peers are asked for one thing alone, which
//! a node tells nobody else: what its wall clock shows.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=../proto/oncelog");
    let mut compiler = protox::Compiler::new(["../proto"])?;
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files(["oncelog/v1/log.proto", "oncelog/v1/admin.proto", "oncelog/peer/v1/peer.proto"])?;
    tonic_prost_build::configure().bytes(".").build_server(false).compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
