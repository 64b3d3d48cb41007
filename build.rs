//! Compiles the protos with protox: no protoc is needed.
//!
//! The descriptors that reflection serves are of the public API only: what nodes say to each other is no client's.

use std::{env, error::Error, fs, path::PathBuf};

const PUBLIC: [&str; 5] = [
    "oncelog/v1/types.proto",
    "oncelog/v1/command.proto",
    "oncelog/v1/outcome.proto",
    "oncelog/v1/log.proto",
    "oncelog/v1/admin.proto",
];
const PEER: &str = "oncelog/peer/v1/peer.proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let server = env::var_os("CARGO_FEATURE_SERVER").is_some();

    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_source_info(true).include_imports(true);
    compiler.open_files(PUBLIC)?;
    if server {
        let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo names no OUT_DIR")?);
        fs::write(out.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;
        compiler.open_file(PEER)?;
    }

    tonic_prost_build::configure().bytes(".").build_server(server).compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
