//! All properties, in order.

mod p01_acknowledged_is_there;
mod p02_once_at_most;
mod p03_one_answer;
mod p04_dense;
mod p05_replicas_agree;
mod p06_nothing_unsent;
mod p07_order;
mod p08_linearizable;
mod p09_local;
mod p10_failed_never_appears;
mod p11_never_changes;
mod p12_lives;
mod p13_settled;
mod p14_reuse;
mod p15_too_old;
mod p16_time;
mod p17_coverage;
mod p18_sum;
mod p19_locks;
mod p20_consumers;
mod p21_deleted;
mod p22_model;
mod p23_tables_agree;
mod p24_told;
mod p25_remembered;
mod p26_errors;

use super::Evidence;

/// Something that must hold.
#[derive(Debug, Clone, Copy)]
pub struct Property {
    /// Its short name.
    pub name: &'static str,
    /// What it says.
    pub sentence: &'static str,
    /// Names each thing that breaks it.
    pub judge: fn(Evidence<'_>, &mut Report<'_>),
    /// How many things there were to judge: with none it neither holds nor is broken.
    pub judged: fn(Evidence<'_>) -> usize,
}

/// Takes what is wrong.
pub(in crate::oracle) type Report<'a> = dyn FnMut(String) + 'a;

/// All there are.
pub const PROPERTIES: [Property; 26] = [
    p01_acknowledged_is_there::PROPERTY,
    p02_once_at_most::PROPERTY,
    p03_one_answer::PROPERTY,
    p04_dense::PROPERTY,
    p05_replicas_agree::PROPERTY,
    p06_nothing_unsent::PROPERTY,
    p07_order::PROPERTY,
    p08_linearizable::PROPERTY,
    p09_local::PROPERTY,
    p10_failed_never_appears::PROPERTY,
    p11_never_changes::PROPERTY,
    p12_lives::PROPERTY,
    p13_settled::PROPERTY,
    p14_reuse::PROPERTY,
    p15_too_old::PROPERTY,
    p16_time::PROPERTY,
    p17_coverage::PROPERTY,
    p18_sum::PROPERTY,
    p19_locks::PROPERTY,
    p20_consumers::PROPERTY,
    p21_deleted::PROPERTY,
    p22_model::PROPERTY,
    p23_tables_agree::PROPERTY,
    p24_told::PROPERTY,
    p25_remembered::PROPERTY,
    p26_errors::PROPERTY,
];
