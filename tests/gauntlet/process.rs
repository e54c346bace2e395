//! Part C, process and terminal, and the secrets and settings of part D.

mod case_27;
mod case_28;
mod case_29;
mod case_30;
mod case_31;
mod case_32;
mod case_33;
mod case_34;
mod case_35;
pub mod hostile;
