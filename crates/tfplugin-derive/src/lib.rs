//! The derive macro of tfplugin.
