//! `paperwire history import-csv`: files one by one, the names of their pairs, and what was refused.

use std::path::PathBuf;

use clap::Args;
use paperwire_core::time::ExchNs;
use paperwire_history::import::{self, ImportError, ImportOptions, Input, Report};
use paperwire_history::limiter::Limiter;
use paperwire_history::model::{Batch, Span};
use paperwire_history::names::{self, Names};
use paperwire_history::rest::Rest;
use paperwire_history::store::Store;
use paperwire_replay::error::RunError;
use paperwire_replay::notices::Notices;
use paperwire_run::history::DAY_NS;
use paperwire_run::venue::KRAKEN_REST;
use serde_json::{Value, json};

use super::{Job, bar, show};

/// Where the store keeps the venue's list of pairs.
const LIST_KEY: &str = "venue:pairs";

/// Where the names of pairs are learned.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ListArgs {
    /// The venue's list of pairs in a file: an answer of AssetPairs, or a snapshot of the instrument channel.
    #[arg(long, value_name = "FILE")]
    pairs: Option<PathBuf>,
    /// Ask the venue for its list, at this base of the REST interface; without it Kraken is asked when a file's
    /// name is of no pair that is known.
    #[arg(long, value_name = "URL")]
    rest: Option<String>,
}

/// What an import has come to so far.
#[derive(Default)]
struct Results {
    reports: Vec<Report>,
    problems: Vec<String>,
    touched: Option<Span>,
}

impl Job<'_> {
    /// Every file by itself: a bad one does not stop the others, and is the command's failure at the end.
    pub(super) fn import(
        &mut self,
        paths: &[PathBuf],
        mut options: ImportOptions,
        list: &ListArgs,
    ) -> Result<(), RunError> {
        let mut store = self.open()?;
        let (mut inputs, mut results) = (Vec::new(), Results::default());
        for path in paths {
            let found = import::inputs(path);
            inputs.extend(found.inputs);
            results.problems.extend(found.problems.iter().map(ToString::to_string));
        }
        if options.symbol.is_none() {
            options.names = self.names(&mut *store, &inputs, list, options.dry_run)?;
        }
        let ended =
            inputs.iter().try_for_each(|input| one(&mut *store, input, &options, &mut results));
        // What was written before a failure is rolled up all the same.
        if let Some(span) = results.touched {
            let end = ExchNs::new(span.to.raw() + 7 * DAY_NS);
            store.refresh(Span::new(span.from, end))?;
        }
        let Results { reports, problems, .. } = results;
        let rows = reports.iter().map(show::report_json).collect();
        self.answer(&json!({"files": Value::Array(rows), "problems": problems}), || {
            let refused = problems.iter().map(|problem| format!("not imported: {problem}"));
            reports.iter().flat_map(show::report_lines).chain(refused).collect()
        });
        ended?;
        let good = reports.iter().filter(|of| of.bad_lines == 0 || options.skip_bad).count();
        match problems.first() {
            None => Ok(()),
            Some(first) => Err(RunError::Storage(format!(
                "{} of {} files were not imported; the first: {first}",
                problems.len(),
                problems.len() + good
            ))),
        }
    }

    /// What pairs are called: by the list that was asked for, by the one that is kept, or by that of the venue
    /// where a name would be refused otherwise.
    fn names(
        &mut self,
        store: &mut dyn Store,
        inputs: &[Input],
        list: &ListArgs,
        is_dry: bool,
    ) -> Result<Names, RunError> {
        let mut names = Names::default();
        if let Some(kept) = store.checkpoint(LIST_KEY)? {
            names.learn(&names::pairs_of(&kept));
        }
        let mut news = Vec::new();
        if let Some(file) = &list.pairs {
            let shown = file.display();
            let text = std::fs::read_to_string(file)
                .map_err(|error| RunError::Config(format!("--pairs {shown}: {error}")))?;
            news = names::pairs_of(&text);
            if news.is_empty() {
                return Err(RunError::Config(format!(
                    "--pairs {shown}: neither an answer of AssetPairs nor a snapshot of the instrument channel"
                )));
            }
            names.learn(&news);
        }
        let is_unknown = inputs.iter().any(|input| import::unknown_pair(input, &names).is_some());
        if list.rest.is_some() || is_unknown {
            let base = list.rest.as_deref().unwrap_or(KRAKEN_REST);
            match Rest::hurried(base, Limiter::shared()).pairs() {
                Ok(pairs) => {
                    names.learn(&pairs);
                    news = pairs;
                }
                Err(error) => {
                    self.terminal
                        .notice(&format!("the venue's list of pairs could not be had: {error}"));
                }
            }
        }
        if !news.is_empty() && !is_dry {
            let checkpoints = vec![(LIST_KEY.to_owned(), Some(names::saved(&news)))];
            store.commit(&Batch { checkpoints, ..Batch::default() })?;
        }
        Ok(names)
    }
}

fn one(
    store: &mut dyn Store,
    input: &Input,
    options: &ImportOptions,
    results: &mut Results,
) -> Result<(), RunError> {
    let bar = bar("rows");
    bar.set_message(input.name());
    let result = import::file(store, input, options, &mut |progress| {
        match progress.total {
            Some(total) => bar.set_length(total),
            None => bar.unset_length(),
        }
        bar.set_position(progress.rows);
    });
    bar.finish_and_clear();
    match result {
        Ok(report) => {
            let news = report.span.filter(|_| report.written.candles > 0);
            results.touched = news
                .into_iter()
                .chain(results.touched)
                .reduce(|a, b| Span::new(a.from.min(b.from), a.to.max(b.to)));
            results.reports.push(report);
        }
        // Numbers that do not fit are this file's own fault.
        Err(ImportError::Store(error)) if !error.is_of_rows() => return Err(error.into()),
        Err(error) => {
            results.problems.push(match &error {
                ImportError::Store(_) => format!("{}: {error}", input.shown()),
                _ => error.to_string(),
            });
            if let ImportError::Bad(report) = error {
                results.reports.push(*report);
            }
        }
    }
    Ok(())
}
