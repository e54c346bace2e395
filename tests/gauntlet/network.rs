//! Part B: the other side of the network.

mod case_00;
mod case_20;
