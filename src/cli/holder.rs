//! Who holds a lock when nobody says who.

use crate::types::Holder;

use super::problem::Problem;

/// The given holder, or this process.
pub(super) fn holder(given: Option<Holder>) -> Result<Holder, Problem> {
    given.map_or_else(this_process, Ok)
}

/// This machine's name and this process's number.
fn this_process() -> Result<Holder, Problem> {
    let machine = nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned());
    let machine = machine.unwrap_or_else(|_| "unknown".to_owned());
    Holder::new(&format!("{machine}/{}", std::process::id())).map_err(|error| {
        Problem::usage(format!("this machine's name cannot be part of a holder's name: {error}"), "Give --holder.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_is_named_by_machine_and_process() {
        let holder = this_process().unwrap();
        assert!(holder.as_str().ends_with(&format!("/{}", std::process::id())), "{holder}");
    }
}
