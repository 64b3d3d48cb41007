//! What the machine must do: told as stories, checked against a naive model, and fixed byte by byte.

mod bytes;
mod digests;
mod kinds;
mod model;
mod random;
mod stories;
mod table;
mod values;
