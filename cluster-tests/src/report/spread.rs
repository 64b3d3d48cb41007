//! How far values lie apart: by nearest rank, so that every answer is one of the values.

/// The least of the values that is not below this share of them; none of no values.
pub(super) fn percentile(values: &[u64], percent: usize) -> Option<u64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_percentile_is_one_of_the_values() {
        let hundred: Vec<u64> = (1..=100).rev().collect();
        assert_eq!([0, 1, 50, 99, 100].map(|percent| percentile(&hundred, percent)), [1, 1, 50, 99, 100].map(Some));
        assert_eq!([50, 99, 100].map(|percent| percentile(&[3, 1, 2], percent)), [2, 3, 3].map(Some));
        assert_eq!(percentile(&[], 99), None);
    }

    #[test]
    fn of_two_hundred_values_two_may_lie_above_the_ninety_ninth_percentile() {
        let mut values = vec![10; 198];
        values.extend([5_000, 6_000]);
        assert_eq!(percentile(&values, 99), Some(10));
        values.push(7_000);
        assert_eq!(percentile(&values, 99), Some(5_000));
    }
}
