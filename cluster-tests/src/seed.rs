//! Randomness that a failed run can be repeated with.

use rand::SeedableRng as _;
use rand::rngs::StdRng;

/// A generator whose seed is printed; `ONCELOG_TEST_SEED` sets it.
pub fn generator(what: &str) -> StdRng {
    let seed = match std::env::var("ONCELOG_TEST_SEED") {
        Ok(given) => given.parse().expect("ONCELOG_TEST_SEED is a number"),
        Err(_) => rand::random(),
    };
    println!("{what}: the seed is {seed}");
    StdRng::seed_from_u64(seed)
}
