//! The code for a struct.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Fields, Result};

use crate::field::{self, Field};

/// Implements `Model` and `AttributeType`.
pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let name = &input.ident;
    let fields = fields(input)?;
    let doc = field::doc(&input.attrs);
    let assertions = fields.iter().map(Field::assertion);
    let attributes = fields.iter().map(Field::attribute);
    let decode = fields.iter().map(|Field { name, key, .. }| {
        quote! {
            #name: ::tfplugin::AttributeType::decode(
                attributes.remove(#key).unwrap_or_default(),
                &path.attribute(#key),
            )?
        }
    });
    let encode = fields.iter().map(|Field { name, key, .. }| {
        quote! { (#key.to_owned(), ::tfplugin::AttributeType::encode(self.#name)) }
    });
    Ok(quote! {
        #(#assertions)*

        impl ::tfplugin::Model for #name {
            const DOC: &'static str = #doc;

            fn attributes() -> ::std::vec::Vec<::tfplugin::Attribute> {
                ::std::vec![#(#attributes),*]
            }
        }

        impl ::tfplugin::AttributeType for #name {
            fn shape() -> ::tfplugin::Shape {
                let attributes = <Self as ::tfplugin::Model>::attributes();
                ::tfplugin::Shape::Nested(::tfplugin::Nesting::Single, attributes)
            }

            fn decode(
                value: ::tfplugin::Value,
                path: &::tfplugin::Path,
            ) -> ::std::result::Result<Self, ::tfplugin::DecodeError> {
                let mut attributes = match value {
                    ::tfplugin::Value::Map(attributes) => attributes,
                    other => {
                        let expected = "an object";
                        return Err(::tfplugin::DecodeError::expected(expected, &other, path));
                    }
                };
                Ok(Self { #(#decode),* })
            }

            fn encode(self) -> ::tfplugin::Value {
                ::tfplugin::Value::Map([#(#encode),*].into_iter().collect())
            }
        }
    })
}

fn fields(input: &DeriveInput) -> Result<Vec<Field>> {
    if !input.generics.params.is_empty() {
        return Err(Error::new_spanned(
            &input.generics,
            "a Model has no parameters",
        ));
    }
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(
            &input.ident,
            "only a struct can be a Model",
        ));
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(Error::new_spanned(
            &input.ident,
            "the fields of a Model have names",
        ));
    };
    fields.named.iter().map(Field::parse).collect()
}
