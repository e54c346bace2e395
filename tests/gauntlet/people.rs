//! Part D: secrets, settings, people.

mod accounts;
mod case_36;
mod case_37;
mod case_38;
mod case_39;
mod case_40;
mod case_41;
mod case_42;
