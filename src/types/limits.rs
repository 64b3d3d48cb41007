//! Every limit, in one room, related at compile time.

use std::time::Duration;

/// The longest payload of one record, headers apart.
pub const RECORD_BYTES_MAX: usize = 1 << 20;
/// The longest command: payloads, headers and names together.
pub const COMMAND_BYTES_MAX: usize = 4 << 20;
/// The most records in one command.
pub const COMMAND_RECORDS_MAX: usize = 4_096;
/// The most guards and actions in one command, together.
pub const COMMAND_STEPS_MAX: usize = 128;
/// The most headers of one record.
pub const RECORD_HEADERS_MAX: usize = 64;
/// The longest header key.
pub const HEADER_KEY_BYTES_MAX: usize = 256;
/// The longest id, and the longest name of anything.
pub const NAME_BYTES_MAX: usize = 128;

/// The longest value of a cell.
pub const CELL_BYTES_MAX: usize = 1 << 20;

/// The shortest and the longest that a finite space remembers.
pub const MEMORY_MIN: Duration = Duration::from_mins(1);
/// See [`MEMORY_MIN`].
pub const MEMORY_MAX: Duration = Duration::from_hours(24 * 366 * 100);
/// The shortest and the longest that a lock is held without being renewed.
pub const LOCK_TIME_MIN: Duration = Duration::from_secs(1);
/// See [`LOCK_TIME_MIN`].
pub const LOCK_TIME_MAX: Duration = Duration::from_hours(24);

/// The greatest time: the 48 bits that a `UUIDv7` has for it.
pub const TIME_MS_MAX: u64 = (1 << 48) - 1;
/// How far ahead of its space's clock an id may be born.
pub const BORN_AHEAD_MAX: Duration = Duration::from_mins(10);

/// The most bytes that a batch gathers before it is closed; a single command may exceed it.
pub const BATCH_BYTES_TARGET: usize = 1 << 20;
/// The most proposals in one batch.
pub const BATCH_PROPOSALS_MAX: usize = 4_096;
/// The longest encoded entry.
pub const ENTRY_BYTES_MAX: usize = BATCH_BYTES_TARGET + COMMAND_BYTES_MAX + (1 << 20);
/// The most entry bytes in one replication message, unless a single entry is longer.
pub const REPLICATION_BYTES_TARGET: usize = 2 << 20;
/// The longest message between nodes.
pub const PEER_MESSAGE_BYTES_MAX: usize = 16 << 20;
/// The longest message from or to a client.
pub const CLIENT_MESSAGE_BYTES_MAX: usize = 8 << 20;
/// How much of a snapshot's file travels in one message.
pub const SNAPSHOT_CHUNK_BYTES: usize = 1 << 20;

/// The most records in one page of a read.
pub const PAGE_RECORDS_MAX: usize = 10_000;
/// The most payload bytes in one page of a read, unless a single record is longer.
pub const PAGE_BYTES_MAX: usize = 1 << 20;
/// The most rows in one page of a listing.
pub const PAGE_NAMES_MAX: usize = 1_000;

/// The most proposals that wait to be put in an entry.
pub const QUEUE_PROPOSALS_MAX: usize = 16_384;
/// The most bytes of proposals that wait to be put in an entry.
pub const QUEUE_BYTES_MAX: usize = 64 << 20;

/// The most bytes of commands that one node works for at once, as the leader or on the way to it.
pub const ADMITTED_BYTES_MAX: usize = 256 << 20;
/// The most reads that one node works for at once; others wait their turn until their deadline.
pub const READS_AT_ONCE_MAX: usize = 64;

/// The most calls of one connection that its client has given up before the node has taken them out of the connection. What
/// goes beyond ends the connection, and with it every other call on it; a client whose calls have a deadline of a
/// millisecond comes to thousands in one read of the socket. Each holds a call's headers, at most 16 KiB.
pub const CALLS_GIVEN_UP_EARLY_MAX: usize = 8_192;
/// The most calls of one connection in all its life that may go against the protocol's order before the connection ends. A
/// message that crosses the end of its call does so in all innocence, and a connection lasts for weeks.
pub const CALLS_OUT_OF_ORDER_MAX: usize = 1 << 20;
/// How many calls that it has given up a client knows for a second, so that late answers to them are no offence.
pub const CALLS_GIVEN_UP_KNOWN_MAX: usize = 8_192;

/// The most streams of appends that clients have open at one node.
pub const STREAMS_MAX: usize = 1_024;
/// The most appends in one message of a stream that a node takes.
pub const STREAM_GROUP_MAX: usize = 8_192;
/// The most appends of one stream that are not answered yet, or whose answers the client has not read.
pub const STREAM_UNANSWERED_MAX: usize = 8_192;
/// The most bytes of them.
pub const STREAM_UNANSWERED_BYTES_MAX: usize = 16 << 20;
/// The most answers in one message of a stream.
pub const STREAM_REPLIES_MAX: usize = 1_024;
/// The most appends in one message of a stream that our client sends.
pub const STREAM_MESSAGE_APPENDS_MAX: usize = 1_024;
/// The most bytes in one, unless a single append is longer.
pub const STREAM_MESSAGE_BYTES_TARGET: usize = 1 << 20;
/// How many messages full of malformed appends may wait until the client reads what is wrong with them.
pub const STREAM_REFUSALS_MAX: usize = 16;

/// Entries in flight while few commands wait.
pub const ENTRIES_IN_FLIGHT_MAX: usize = 8;
/// Entries in flight while many commands wait, which then share an entry.
pub const ENTRIES_IN_FLIGHT_DEEP_MAX: usize = 2;
/// The bytes at which a group of log entries is closed and synced.
pub const SYNC_GROUP_BYTES_TARGET: usize = 16 << 20;
/// The most entries that one write of the state applies.
pub const APPLY_CHUNK_ENTRIES_MAX: usize = 256;

/// The oldest reading of another node's clock that still counts.
pub const CLOCK_READING_AGE_MAX: Duration = Duration::from_secs(3);
/// How far two clocks may be apart while there is no third to say which is right.
pub const TWO_CLOCKS_APART_MAX: Duration = Duration::from_secs(10);

/// A leader finds where two logs part in a few steps. Conflicts that go on for this many steps and this long are answers to
/// a leader that knows what this node once had.
pub const CONFLICTS_PROVING_LOSS_MIN: u32 = 10;
/// See [`CONFLICTS_PROVING_LOSS_MIN`].
pub const CONFLICTS_PROVING_LOSS_LAST: Duration = Duration::from_secs(5);

/// The longest that a client waits for one node before it asks another, and the shortest.
pub const ATTEMPT_TIMEOUT_MAX: Duration = Duration::from_secs(5);
/// See [`ATTEMPT_TIMEOUT_MAX`].
pub const ATTEMPT_TIMEOUT_MIN: Duration = Duration::from_millis(500);
/// The longest pause before a client's next attempt.
pub const RETRY_PAUSE_MAX: Duration = Duration::from_secs(1);
/// The longest line of a batch that the command reads: a record in base64, with headers.
pub const BATCH_LINE_BYTES_MAX: usize = 8 << 20;
/// The most bytes of commands that a client's outbox keeps at once.
pub const OUTBOX_KEEP_BYTES_MAX: usize = 16 << 20;
/// The bytes at which a group of what an outbox keeps is closed and synced.
pub const OUTBOX_GROUP_BYTES_TARGET: usize = 4 << 20;
/// The longest body of a frame that an outbox writes.
pub const OUTBOX_FRAME_BYTES_MAX: usize = 32 << 20;
/// The most bytes of commands that wait in one outbox: they are kept in memory, too.
pub const OUTBOX_WAITING_BYTES_MAX: usize = 256 << 20;
/// The bytes at which confirmations that an outbox has written are synced, though nobody waits for it.
pub const OUTBOX_UNSYNCED_BYTES_TARGET: usize = 4 << 10;
/// The bytes of no use at which an outbox's file is written anew, unless more of it is of use.
pub const OUTBOX_GARBAGE_BYTES_TARGET: usize = 1 << 20;
/// The most bad fields that one answer names: some clients take no more than 8 KiB of headers, and a violation is said
/// twice in them.
pub const FIELD_VIOLATIONS_MAX: usize = 8;

/// The most bytes of a followed log's newest records that a node keeps in memory.
pub const RECENT_BYTES_MAX: usize = 4 << 20;
/// The most bytes of all of them together, as far as each may keep one record.
pub const RECENT_BYTES_TARGET: usize = 64 << 20;
/// The most logs that clients follow, and conditions that they wait for, at one node at once.
pub const WATCHES_MAX: usize = 10_000;

/// How many spaces, and how many heads of logs, a store keeps in memory.
pub const HOT_ROWS_MAX: usize = 4_096;
/// How much of what is due, first of all what is due first, a store keeps in memory.
pub const HOT_DUE_MAX: usize = 16_384;

/// A digest is remembered at every index that this divides.
pub const DIGEST_INTERVAL: u64 = 1_024;
/// How many remembered digests are kept.
pub const DIGESTS_KEPT: usize = 64;

const _: () = assert!(RECORD_BYTES_MAX <= COMMAND_BYTES_MAX);
const _: () = assert!(CELL_BYTES_MAX <= COMMAND_BYTES_MAX);
const _: () = assert!(COMMAND_BYTES_MAX + (1 << 20) <= CLIENT_MESSAGE_BYTES_MAX);
const _: () = assert!(ENTRY_BYTES_MAX + REPLICATION_BYTES_TARGET < PEER_MESSAGE_BYTES_MAX);
const _: () = assert!(COMMAND_BYTES_MAX <= QUEUE_BYTES_MAX);
const _: () = assert!(QUEUE_BYTES_MAX < ADMITTED_BYTES_MAX);
const _: () = assert!(COMMAND_BYTES_MAX + (1 << 20) <= STREAM_UNANSWERED_BYTES_MAX);
const _: () = assert!(2 * RECORD_BYTES_MAX < BATCH_LINE_BYTES_MAX);
const _: () = assert!(STREAM_UNANSWERED_BYTES_MAX < QUEUE_BYTES_MAX);
const _: () = assert!(STREAM_MESSAGE_BYTES_TARGET + COMMAND_BYTES_MAX + (1 << 20) <= CLIENT_MESSAGE_BYTES_MAX);
const _: () = assert!(PAGE_BYTES_MAX + 2 * COMMAND_BYTES_MAX > RECORD_BYTES_MAX);
const _: () = assert!(RECORD_BYTES_MAX < RECENT_BYTES_MAX);
const _: () = assert!(RECENT_BYTES_MAX < RECENT_BYTES_TARGET);
const _: () = assert!(STREAM_MESSAGE_APPENDS_MAX <= STREAM_GROUP_MAX);
const _: () = assert!(ENTRIES_IN_FLIGHT_DEEP_MAX <= ENTRIES_IN_FLIGHT_MAX);
const _: () = assert!(SNAPSHOT_CHUNK_BYTES < PEER_MESSAGE_BYTES_MAX);
// Whatever a node takes, an outbox keeps: the lengths before keys, values and payloads take a few bytes each.
const _: () = assert!(
    COMMAND_BYTES_MAX + COMMAND_RECORDS_MAX * (8 + 8 * RECORD_HEADERS_MAX) + COMMAND_STEPS_MAX * 128 + 1_024
        <= OUTBOX_KEEP_BYTES_MAX
);
// A group is closed by what makes it too long, and has what was confirmed and not synced before it.
const _: () = assert!(
    OUTBOX_GROUP_BYTES_TARGET + OUTBOX_KEEP_BYTES_MAX + OUTBOX_UNSYNCED_BYTES_TARGET + (1 << 20)
        <= OUTBOX_FRAME_BYTES_MAX
);
const _: () = assert!(OUTBOX_FRAME_BYTES_MAX < OUTBOX_WAITING_BYTES_MAX);
