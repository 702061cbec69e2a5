//! The room from outside: recorded verdicts, rules one by one, bad shapes, and the documents.

mod documented;
mod fuzz;
mod grammar;
mod lists;
mod recorded;
mod rules;
mod shapes;
mod tables;
