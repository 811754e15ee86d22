//! x
pub mod history;
pub mod market;
pub mod matching;
pub mod publish;
