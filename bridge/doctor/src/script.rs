//! All fixes as a commented shell script: printed to be read, changed and run by a person, never run here.

use std::fmt::Write as _;

use super::fix::Fix;
use super::verdict::to_mend;
use super::{Examination, Finding};

/// The script, the most valuable fix first; boot parameters are gathered at the end, for one reboot.
pub fn script(examination: &Examination) -> String {
    let open = to_mend(&examination.findings);
    let mut out = format!(
        "#!/bin/sh\n# What paperwire doctor would change on host {}, graded {}.\n\
         # Read it first. Commands last until the next boot; docs/tuning.md says how to keep them.\n\
         # One that fails does not stop the others.\nset -u\n",
        examination.fingerprint.hash, examination.grade
    );
    let mut boot: Vec<(&Finding, &str)> = Vec::new();
    for finding in open {
        match &finding.fix {
            Some(Fix::Boot(parameters)) => boot.push((finding, parameters)),
            Some(Fix::Shell(command)) => {
                heading(&mut out, finding);
                let _ = writeln!(out, "{command}");
            }
            Some(Fix::Advice(text)) => {
                heading(&mut out, finding);
                let _ = writeln!(out, "# by hand: {text}");
            }
            Some(Fix::Elsewhere(_)) | None => {}
        }
    }
    if !boot.is_empty() {
        boot_lines(&mut out, &boot);
    }
    out
}

fn heading(out: &mut String, finding: &Finding) {
    // Readings come from files that others can write; a line break must not end the comment.
    let read = finding.read.replace(['\n', '\r'], " ");
    let _ = writeln!(out, "\n# {} {}: {read}", finding.number, finding.name);
}

fn boot_lines(out: &mut String, boot: &[(&Finding, &str)]) {
    for (finding, _) in boot {
        heading(out, finding);
    }
    let mut parameters: Vec<&str> = boot.iter().map(|(_, parameters)| *parameters).collect();
    parameters.sort_unstable();
    parameters.dedup();
    let line = parameters.join(" ");
    let _ = write!(
        out,
        "# The kernel's command line, then a reboot.\n\
         PARAMETERS='{line}'\n\
         if command -v grubby >/dev/null; then grubby --update-kernel=ALL --args=\"$PARAMETERS\"\n\
         else\n\
           mkdir -p /etc/default/grub.d\n\
           echo \"GRUB_CMDLINE_LINUX=\\\"\\$GRUB_CMDLINE_LINUX $PARAMETERS\\\"\" > /etc/default/grub.d/90-paperwire.cfg\n\
           update-grub\n\
         fi\n"
    );
}
