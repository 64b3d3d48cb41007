//! Where this checkout lies.
//!
//! - Asked when it runs, and not when it is compiled: checkouts that share a target directory get each other's
//!   executables, and what was compiled for one would look at the files of the other.

use std::path::{Path, PathBuf};

/// The folder of this package in a checkout.
const PACKAGE: &str = "cluster-tests";

/// The top of the repository.
pub fn repository() -> PathBuf {
    find().expect("cargo runs this, or it runs in a checkout")
}

/// The same; none if neither cargo runs this nor the working directory is in a checkout.
pub fn find() -> Option<PathBuf> {
    let of_cargo = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let of_cargo = of_cargo.and_then(|package| package.parent().map(Path::to_owned));
    let around_here = || {
        let here = std::env::current_dir().ok()?;
        let is_checkout = |folder: &&Path| folder.join(PACKAGE).join("Cargo.toml").is_file();
        here.ancestors().find(is_checkout).map(Path::to_owned)
    };
    of_cargo.or_else(around_here)
}

/// The folder of the package whose test or program this is.
pub fn package() -> PathBuf {
    repository().join(PACKAGE)
}
