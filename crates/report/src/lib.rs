//! The report of a judged match: data in, HTML out; pure.
