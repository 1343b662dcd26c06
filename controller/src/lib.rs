//! The controller: staff write bulletins here, and villages hear them.

pub mod app;
pub mod auth;
pub mod broker;
pub mod config;
pub mod dataset;
pub mod dispatch;
pub mod domain;
pub mod enrol;
pub mod http;
pub mod identity;
pub mod live;
pub mod making;
pub mod metrics;
pub mod open_files;
pub mod pages;
pub mod services;
pub mod site;
pub mod store;
pub mod sweep;
pub mod trust;
