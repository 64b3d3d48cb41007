//! What a cluster of real processes goes through. Each file is one kind of trouble, each test one story, and each story
//! ends with the oracle reading every replica in full.

mod all_killed;
mod append_and_replay;
mod cancel;
mod client_library;
mod dev;
mod documented_example;
mod follower_behind_the_purge;
mod leader_killed;
mod leader_paused;
mod log_cut_by_bytes;
mod one_id_everywhere;
mod outbox;
mod power_cut;
mod reuse;
mod strangers;
mod stream_limits;
mod streamed_load;
mod tail_and_wait;
