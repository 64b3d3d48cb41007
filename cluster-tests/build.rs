//! Compiles the public protos into a client of our own: a black box is asked from outside.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=../proto/oncelog/v1");
    let mut compiler = protox::Compiler::new(["../proto"])?;
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files(["oncelog/v1/log.proto", "oncelog/v1/admin.proto"])?;
    tonic_prost_build::configure().bytes(".").build_server(false).compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
