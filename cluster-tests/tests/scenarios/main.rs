//! What a cluster of real processes goes through. Each file is one kind of trouble, each test one story, and each story
//! ends with the oracle reading every replica in full.

mod all_killed;
mod append_and_replay;
mod bank;
mod cancel;
mod chaos;
mod client_library;
mod clock_off;
mod command_line;
mod crash_points;
mod dev;
mod examples;
mod follower_behind_the_purge;
mod leader_killed;
mod leader_paused;
mod lock_holders;
mod locks;
mod log_cut_by_bytes;
mod machine_version;
mod members;
mod memory;
mod one_id_everywhere;
mod outbox;
mod pipeline;
mod power_cut;
mod reuse;
mod rolling_stop;
mod seeded_bugs;
mod short_deadlines;
mod strangers;
mod stream_limits;
mod streamed_load;
mod tail_and_wait;
mod trimmed;
mod whole_command;
mod wrong_port;
