//! Who holds a lock when nobody says who: this machine's name and this process's number.

use crate::cli::problem::Problem;
use crate::types::Holder;

pub(in crate::cli) fn holder(given: Option<Holder>) -> Result<Holder, Problem> {
    let machine =
        || nix::unistd::gethostname().map_or_else(|_| "unknown".into(), |name| name.to_string_lossy().into_owned());
    given.map_or_else(|| Holder::new(&format!("{}/{}", machine(), std::process::id())), Ok).map_err(|error| {
        Problem::usage(format!("this machine's name cannot be part of a holder's name: {error}"), "Give --holder.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_is_named_by_machine_and_process() {
        let holder = holder(None).unwrap();
        assert!(holder.as_str().ends_with(&format!("/{}", std::process::id())), "{holder}");
    }
}
