//! Counts words.

use std::collections::BTreeMap;

use pyo3::prelude::*;

#[pymodule]
mod _native {
    use super::*;

    #[pyfunction]
    fn count(text: &str) -> BTreeMap<String, usize> {
        let mut found = BTreeMap::new();
        for word in text.split_whitespace() {
            *found.entry(word.to_lowercase()).or_default() += 1;
        }
        found
    }
}
