//! Where this checkout lies.
//!
//! - Asked when it runs, and not when it is compiled: checkouts that share a target directory get each other's
//!   executables, and what was compiled for one would look at the files of the other.

use std::path::PathBuf;

/// The top of the repository.
pub fn repository() -> PathBuf {
    let mut package = package();
    assert!(package.pop(), "cluster-tests lies in the repository");
    package
}

/// The folder of the package whose test or program this is.
pub fn package() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs this, and says where the package lies").into()
}
