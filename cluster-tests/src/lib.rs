//! Real processes, real faults, and the oracle that judges what they did.
//!
//! - Nothing here shares code with `oncelog`: nodes are started from the built binary and asked over gRPC, through a
//!   client generated from the public protos.
//! - A harness that cannot do its job panics with a sentence: the test has failed. Nothing is skipped in silence.
//! - Nothing sleeps "long enough": everything waits for a condition, with a deadline ([`wait`]).
//! - Whatever a test starts ends with it, even if the test process itself is killed ([`launcher`]).
//!
//! A scenario starts a [`cluster::Cluster`], puts a [`load::Load`] on it, does its faults, and ends with
//! [`judgement::judge`], which lets the oracle look at every replica in full.

pub mod addresses;
pub mod alarm;
pub mod attack;
pub mod binary;
pub mod boot;
pub mod campaign;
pub mod cgroup;
pub mod chaos;
pub mod checkout;
pub mod client;
pub mod clock;
pub mod cluster;
pub mod command;
pub mod crash_points;
pub mod disk;
pub mod faults;
pub mod follow;
pub mod history;
pub mod judgement;
pub mod launcher;
pub mod leaders;
pub mod links;
pub mod load;
pub mod made_up;
pub mod markdown;
pub mod model;
pub mod nemesis;
pub mod node;
pub mod oracle;
pub mod peer;
pub mod program;
pub mod proto;
pub mod report;
pub mod rounds;
pub mod sample;
pub mod schedule;
pub mod scratch;
pub mod seed;
pub mod seeded;
pub mod skip;
pub mod stream;
pub mod striking;
pub mod tables;
pub mod tracer;
pub mod wait;
