//! The Python package `gen404`: the static part of the validator for pipelines that are written in Python.
//!
//! It hands a module over and a verdict back, in the form of `404-cli validate --static-only --json`. It must not know a rule.

use std::panic::{AssertUnwindSafe, catch_unwind};

use gen404_validator::record::Record;
use gen404_validator::{Report, validate_bytes};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString};

/// A module's text as Python holds it; nothing is copied.
enum Source {
    Text(PyBackedStr),
    Bytes(PyBackedBytes),
}

impl Source {
    fn of(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        if object.is_instance_of::<PyString>() {
            // Halves of surrogate pairs are no text: a UnicodeEncodeError says where they are.
            return object.extract().map(Self::Text);
        }
        let wrong = || PyTypeError::new_err("source must be str, bytes or bytearray");
        object.extract().map(Self::Bytes).map_err(|_| wrong())
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// The verdict as JSON text.
fn judged(source: &[u8]) -> Option<String> {
    // A panic is a bug of ours, and no reason to take the pipeline down.
    let judged = catch_unwind(AssertUnwindSafe(|| {
        let (_, report): (_, Report) = validate_bytes(source);
        serde_json::to_string(&Record::of_text("-", &report)).ok()
    }));
    judged.ok().flatten()
}

/// `json.loads`: the dict is the line of JSON by construction.
fn parsed<'py>(py: Python<'py>, json: &str) -> PyResult<Bound<'py, PyDict>> {
    static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    Ok(LOADS.import(py, "json", "loads")?.call1((json,))?.cast_into::<PyDict>()?)
}

/// Judge a module by its text, as both of the 404 subnet's validators do.
///
/// Returns the object that `404-cli validate - --static-only --json` prints: `file`, `passed`, `mr` and `rs` with `passed`,
/// `failures` and `metrics`, and `warnings`. `source` is the module as str, or the file's content as bytes. Nothing is run, so
/// what fails only when it runs passes. Other threads go on meanwhile.
#[pyfunction]
#[pyo3(signature = (source, /), text_signature = "(source, /)")]
fn validate<'py>(py: Python<'py>, source: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    let source = Source::of(source)?;
    let json = py.detach(|| judged(source.bytes()));
    let json =
        json.ok_or_else(|| PyRuntimeError::new_err("gen404 hit a bug in itself; please report it with the module"))?;
    parsed(py, &json)
}

/// Whether the 404 subnet would take a JavaScript module, judged by its text.
#[pymodule]
fn gen404(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_function(wrap_pyfunction!(validate, module)?)
}
