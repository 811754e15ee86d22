//! One list of fields for what a pair may set differently: the configuration's side and the strategy's.
//!
//! A strategy with parameters by pair lists them once, in `params.rs` beside its `Params`, and says in
//! `Table::of_role` what holds for a pair that sets nothing:
//!
//! ```ignore
//! pair_table! {
//!     /// Stop, in percent of the fill.
//!     stop_pct: f64,
//! }
//! ```

/// Declares `SymbolParams`, whose fields are what `[strategy.NAME.params.symbols."BASE/QUOTE"]` may set,
/// `Table`, the same fields with what holds for one pair, and `Params::table`, which finds it. `Params` has
/// the field `symbols: BTreeMap<String, SymbolParams>`.
macro_rules! pair_table {
    ($($(#[$doc:meta])+ $field:ident: $kind:ty,)+) => {
        /// What a pair may set differently; nothing set keeps the default of its role.
        #[derive(Clone, Copy, Debug, Default, serde::Deserialize, serde::Serialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct SymbolParams {
            $($(#[$doc])+ pub $field: Option<$kind>,)+
        }

        /// What holds for one pair.
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub(super) struct Table {
            $($(#[$doc])+ pub(super) $field: $kind,)+
        }

        impl Table {
            /// What holds for the pair of this name that sets `own`.
            fn of_name(name: &str, own: &SymbolParams) -> Self {
                Self::of_role($crate::role::Role::of_name(name)).with(own)
            }

            fn with(self, own: &SymbolParams) -> Self {
                Self { $($field: own.$field.unwrap_or(self.$field),)+ }
            }
        }

        impl Params {
            /// What holds for a pair.
            pub(super) fn table(&self, of: &paperwire_core::instrument::Instrument) -> Table {
                let base = Table::of_role($crate::role::Role::of(of));
                self.symbols.get(of.name.as_str()).map_or(base, |own| base.with(own))
            }
        }
    };
}
