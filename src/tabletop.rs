//! Exercises: the real provider code over simulated transports.

pub mod postgres;
