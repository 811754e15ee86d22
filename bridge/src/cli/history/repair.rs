//! `paperwire history repair`.

use paperwire_history::store::Address;
use paperwire_history::{repair, writer};
use paperwire_replay::error::RunError;
use paperwire_rt::clock::utc_now;
use serde_json::json;

use super::Job;

impl Job<'_> {
    /// Saves what can be read of a damaged file, then writes what waits for the store.
    pub(super) fn repair(&mut self) -> Result<(), RunError> {
        let url = self.common.db.as_deref().unwrap_or(&self.config.history.url);
        let address = Address::parse(url)?;
        let repaired = match &address {
            Address::Sqlite(path) => repair::sqlite(path, utc_now().raw() / 1_000_000_000)?,
            // A server repairs itself or has its own tools.
            Address::Postgres(_) => None,
        };
        let mut store = self.open()?;
        let spill = &self.config.history.spill;
        let recovered = writer::recover(spill, &mut *store);
        let recovered = recovered
            .map_err(|error| RunError::Storage(format!("{}: {error}", spill.display())))?;
        let saved = repaired.iter().flat_map(|of| &of.saved);
        let tables: Vec<_> = saved
            .map(|of| json!({"table": of.table, "rows": of.rows, "whole": of.is_whole}))
            .collect();
        let kept = repaired.as_ref().map(|of| of.kept.display().to_string());
        let value = json!({
            "place": address.to_string(),
            "damaged": repaired.is_some(),
            "kept": kept,
            "tables": tables,
            "written": recovered.rows,
            "refused": recovered.refused,
        });
        let (rows, refused) = (recovered.rows, recovered.refused);
        self.answer(&value, || {
            let mut lines = match &repaired {
                None => vec![format!("{address}: nothing is wrong with it")],
                Some(of) => {
                    let kept = of.kept.display();
                    let mut lines =
                        vec![format!("{address}: made again; the damaged file is {kept}")];
                    lines.extend(of.saved.iter().map(|of| {
                        let rest = if of.is_whole { "" } else { ", the rest could not be read" };
                        format!("  {:<12} {:>12} rows{rest}", of.table, of.rows)
                    }));
                    let fill =
                        "`paperwire history fill-gaps` fetches missing bars and trades again";
                    lines.push(format!("  {fill}"));
                    lines
                }
            };
            lines.push(format!("{rows} rows that waited in {} are written", spill.display()));
            lines.extend(refused.iter().map(|why| format!("  still refused: {why}")));
            lines
        });
        match refused.first() {
            None => Ok(()),
            Some(first) => Err(RunError::Storage(format!(
                "{} lines of {} are still refused; the first: {first}",
                refused.len(),
                spill.join("rejected.jsonl").display()
            ))),
        }
    }
}
