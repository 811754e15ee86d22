//! The browser's files: in the binary, named by the hash of their content so that they may be kept for ever.
//!
//! A file refers to another by its plain name; that is replaced by the hashed one when the program starts to
//! serve, in the order in which they depend on each other. The charts are plotly.js, as its crate carries it.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use axum::body::Bytes;
use sha2::{Digest, Sha256};

/// A file that is served.
#[derive(Clone, Debug)]
pub(crate) struct Asset {
    pub(crate) kind: &'static str,
    pub(crate) body: Bytes,
}

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const PLOTLY: &str = "plotly.js";
const INDEX: &str = include_str!("../ui/index.html");

/// What the page is made of; a file stands behind all that it imports.
const FILES: &[(&str, &str, &str)] = &[
    ("style.css", STYLE, include_str!("../ui/style.css")),
    ("format.js", SCRIPT, include_str!("../ui/format.js")),
    ("dom.js", SCRIPT, include_str!("../ui/dom.js")),
    ("live.js", SCRIPT, include_str!("../ui/live.js")),
    ("chart.js", SCRIPT, include_str!("../ui/chart.js")),
    ("table.js", SCRIPT, include_str!("../ui/table.js")),
    ("control.js", SCRIPT, include_str!("../ui/control.js")),
    ("view-overview.js", SCRIPT, include_str!("../ui/view-overview.js")),
    ("view-compare.js", SCRIPT, include_str!("../ui/view-compare.js")),
    ("view-waterfall.js", SCRIPT, include_str!("../ui/view-waterfall.js")),
    ("view-heatmap.js", SCRIPT, include_str!("../ui/view-heatmap.js")),
    ("view-host.js", SCRIPT, include_str!("../ui/view-host.js")),
    ("view-market.js", SCRIPT, include_str!("../ui/view-market.js")),
    ("view-trades.js", SCRIPT, include_str!("../ui/view-trades.js")),
    ("view-strategy.js", SCRIPT, include_str!("../ui/view-strategy.js")),
    ("view-regime.js", SCRIPT, include_str!("../ui/view-regime.js")),
    ("view-sessions.js", SCRIPT, include_str!("../ui/view-sessions.js")),
    ("app.js", SCRIPT, include_str!("../ui/app.js")),
];

struct Site {
    index: Bytes,
    assets: BTreeMap<String, Asset>,
}

fn site() -> &'static Site {
    static SITE: OnceLock<Site> = OnceLock::new();
    SITE.get_or_init(build)
}

/// The page.
pub(crate) fn index() -> Bytes {
    site().index.clone()
}

/// A file by its hashed name.
pub(crate) fn find(name: &str) -> Option<Asset> {
    site().assets.get(name).cloned()
}

fn build() -> Site {
    let (mut assets, mut names) = (BTreeMap::new(), Vec::new());
    let files = FILES.iter().map(|(name, kind, text)| (*name, *kind, (*text).to_owned()));
    for (name, kind, mut text) in std::iter::once((PLOTLY, SCRIPT, plotly())).chain(files) {
        for (other, hashed) in &names {
            text = text.replace(&format!("\"./{other}\""), &format!("\"./{hashed}\""));
        }
        let hashed = hashed(name, &text);
        assets.insert(hashed.clone(), Asset { kind, body: text.into() });
        names.push((name, hashed));
    }
    let mut index = INDEX.to_owned();
    for (name, hashed) in &names {
        index = index.replace(&format!("\"assets/{name}\""), &format!("\"assets/{hashed}\""));
    }
    Site { index: index.into(), assets }
}

/// `app.js` with the beginning of its content's hash.
fn hashed(name: &str, text: &str) -> String {
    let hash = crate::hex(&Sha256::digest(text.as_bytes())[..8]);
    let (stem, end) = name.rsplit_once('.').expect("every file has an extension");
    format!("{stem}.{hash}.{end}")
}

/// The script of the charts, without the tags and the formula typesetter around it.
fn plotly() -> String {
    let both = plotly::Plot::offline_js_sources();
    let from = both.find('>').map_or(0, |at| at + 1);
    let to = both.find("</script>").unwrap_or(both.len());
    both[from..to].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_its_files_by_their_content_and_nothing_from_elsewhere() {
        let page = String::from_utf8(index().to_vec()).unwrap();
        assert!(!page.contains("http://") && !page.contains("https://"));
        let mut served = 0;
        for part in page.split("\"assets/").skip(1) {
            let name = part.split('"').next().unwrap();
            assert!(find(name).is_some(), "{name}");
            assert_eq!(name.split('.').count(), 3, "{name} has no hash");
            served += 1;
        }
        assert!(served >= 3);
        assert!(find("app.js").is_none(), "only hashed names are served");
    }

    #[test]
    fn every_import_leads_to_a_file() {
        for (name, asset) in &site().assets {
            if name.starts_with("plotly") {
                assert!(asset.body.len() > 1_000_000 && !asset.body.starts_with(b"<"));
                continue;
            }
            let text = std::str::from_utf8(&asset.body).unwrap();
            assert!(text.is_ascii(), "{name}");
            for part in text.split("from \"./").skip(1) {
                let import = part.split('"').next().unwrap();
                assert!(find(import).is_some(), "{name} imports {import}");
            }
        }
    }
}
