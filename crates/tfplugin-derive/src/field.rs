//! The code for one field.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{
    Attribute, Error, Expr, ExprLit, Ident, Lit, Meta, Result, Type, meta::ParseNestedMeta,
    spanned::Spanned,
};

/// A field with what `#[tf(…)]` says about it.
pub(crate) struct Field {
    pub(crate) name: Ident,
    /// The name of the attribute.
    pub(crate) key: String,
    ty: Type,
    doc: String,
    options: Options,
}

#[derive(Default)]
struct Options {
    computed: bool,
    optional: bool,
    sensitive: bool,
    write_only: bool,
    replace: bool,
    keep: bool,
    identity: bool,
    default: Option<Expr>,
    replace_if: Option<Expr>,
    same: Option<Expr>,
    same_each: Option<Expr>,
    checks: Vec<Expr>,
    checks_each: Vec<Expr>,
}

impl Field {
    pub(crate) fn parse(field: &syn::Field) -> Result<Self> {
        let Some(name) = field.ident.clone() else {
            return Err(Error::new_spanned(
                field,
                "the fields of a Model have names",
            ));
        };
        let mut options = Options::default();
        for attribute in field
            .attrs
            .iter()
            .filter(|attribute| attribute.path().is_ident("tf"))
        {
            attribute.parse_nested_meta(|meta| options.read(&meta))?;
        }
        if options.keep && !options.computed {
            return Err(Error::new_spanned(
                &name,
                "`keep` is for computed attributes",
            ));
        }
        if options.write_only && (options.computed || options.default.is_some()) {
            let text = "a write-only attribute is not computed and has no default";
            return Err(Error::new_spanned(&name, text));
        }
        let key = name.to_string().trim_start_matches("r#").to_owned();
        Ok(Self {
            name,
            key,
            ty: field.ty.clone(),
            doc: doc(&field.attrs),
            options,
        })
    }

    /// Fails to compile if a value that is not known yet would not fit the field.
    pub(crate) fn assertion(&self) -> TokenStream {
        let ty = &self.ty;
        if !self.options.computed || self.options.default.is_some() {
            return TokenStream::new();
        }
        quote_spanned! { ty.span() =>
            const _: () = assert!(
                <#ty as ::tfplugin::AttributeType>::OPTIONAL,
                "a computed attribute without a default has to be an Option"
            );
        }
    }

    /// The expression that makes the attribute.
    pub(crate) fn attribute(&self) -> TokenStream {
        let Self {
            key,
            ty,
            doc,
            options,
            ..
        } = self;
        let Options {
            sensitive,
            write_only,
            replace,
            keep,
            identity,
            ..
        } = options;
        let Options {
            checks,
            checks_each,
            ..
        } = options;
        let has_default = options.default.is_some();
        let computed = options.computed || has_default;
        let optional = options.optional || has_default;
        let default = optional_value(options.default.as_ref().map(|default| {
            quote! { ::tfplugin::Value::from(#default) }
        }));
        let replace_if = optional_value(options.replace_if.as_ref().map(|f| quote! { #f }));
        let same = optional_value(options.same.as_ref().map(|f| quote! { #f }));
        let same_each = optional_value(options.same_each.as_ref().map(|f| quote! { #f }));
        quote! {{
            let optional = #optional
                || (<#ty as ::tfplugin::AttributeType>::OPTIONAL && !#computed);
            let shape = <#ty as ::tfplugin::AttributeType>::shape();
            let mut attribute = ::tfplugin::Attribute::new(#key, #doc, shape);
            attribute.required = !optional && !#computed;
            attribute.optional = optional;
            attribute.computed = #computed;
            attribute.sensitive = #sensitive;
            attribute.write_only = #write_only;
            attribute.replace = #replace;
            attribute.replace_if = #replace_if;
            attribute.keep = #keep;
            attribute.identity = #identity;
            attribute.later = <#ty as ::tfplugin::AttributeType>::LATER;
            attribute.default = #default;
            attribute.checks = ::std::vec![#(#checks as ::tfplugin::Check),*];
            attribute.element_checks = ::std::vec![#(#checks_each as ::tfplugin::Check),*];
            attribute.same = #same;
            attribute.same_elements = #same_each;
            attribute.settled()
        }}
    }
}

impl Options {
    fn read(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let name = meta.path.require_ident()?.to_string();
        let expression = || meta.value()?.parse::<Expr>();
        match name.as_str() {
            "computed" => self.computed = true,
            "optional" => self.optional = true,
            "sensitive" => self.sensitive = true,
            "write_only" => self.write_only = true,
            "replace" => self.replace = true,
            "keep" => self.keep = true,
            "identity" => self.identity = true,
            "default" => self.default = Some(expression()?),
            "replace_if" => self.replace_if = Some(expression()?),
            "same" => self.same = Some(expression()?),
            "same_each" => self.same_each = Some(expression()?),
            "check" => self.checks.push(expression()?),
            "check_each" => self.checks_each.push(expression()?),
            _ => return Err(meta.error("unknown option")),
        }
        Ok(())
    }
}

fn optional_value(value: Option<TokenStream>) -> TokenStream {
    match value {
        Some(value) => quote! { ::std::option::Option::Some(#value) },
        None => quote! { ::std::option::Option::None },
    }
}

/// The doc comment, without the space that follows the slashes.
pub(crate) fn doc(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| {
        let Meta::NameValue(meta) = &attribute.meta else {
            return None;
        };
        let Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) = &meta.value
        else {
            return None;
        };
        let text = text.value();
        meta.path
            .is_ident("doc")
            .then(|| text.strip_prefix(' ').unwrap_or(&text).to_owned())
    });
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}
