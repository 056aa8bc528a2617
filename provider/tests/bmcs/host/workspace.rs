//! Terraform's way through a whole configuration: what it keeps, in which order it works, what it
//! does after an error.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Host, rules};

/// A configuration: its resources by name, in the order in which they are made, and what each is
/// told, which depends on those before it.
pub(crate) type Configuration = [(&'static str, Told)];
/// What one resource is told.
pub(crate) type Told = Box<dyn Fn(&State) -> Value + Send + Sync>;

/// What Terraform keeps between runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct State(BTreeMap<&'static str, Instance>);

/// One resource of the state.
#[derive(Clone, Debug)]
struct Instance {
    value: Value,
    private: Vec<u8>,
    /// Its making failed, so that it is made anew.
    tainted: bool,
}

impl State {
    /// An attribute of a resource.
    pub(crate) fn attribute(&self, resource: &str, name: &str) -> Value {
        self.0[resource].value[name].clone()
    }

    /// The resources that are there.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.0.keys().copied().collect()
    }

    /// Brings everything to what the configuration says.
    pub(crate) async fn apply(
        &mut self,
        host: &mut Host,
        configuration: &Configuration,
    ) -> Result<(), String> {
        for (name, told) in configuration {
            self.refresh(host, name).await?;
            if self.0.get(name).is_some_and(|instance| instance.tainted) {
                self.remove(host, name).await?;
            }
            let config = rules::completed(host.attributes(name), &told(self));
            let refused = host.validate(name, &config).await.errors;
            sound(name, "validate", refused)?;
            self.change(host, name, &config).await?;
        }
        Ok(())
    }

    /// What a plan would change.
    pub(crate) async fn changes(
        &mut self,
        host: &mut Host,
        configuration: &Configuration,
    ) -> Result<Vec<String>, String> {
        let mut changes = Vec::new();
        for (name, told) in configuration {
            self.refresh(host, name).await?;
            let Some(instance) = self.0.get(name).filter(|instance| !instance.tainted) else {
                changes.push(format!("{name} is to be made"));
                continue;
            };
            let config = rules::completed(host.attributes(name), &told(self));
            let prior = (&instance.value, &instance.private[..]);
            let (plan, replaced) = host.plan_with(name, prior, &config).await;
            sound(name, "plan", plan.errors)?;
            if replaced {
                changes.push(format!("{name} is to be replaced"));
            }
            changes.extend(rules::broken_by_apply(name, &instance.value, &plan.value));
        }
        Ok(changes)
    }

    /// Removes everything, the last first.
    pub(crate) async fn destroy(
        &mut self,
        host: &mut Host,
        configuration: &Configuration,
    ) -> Result<(), String> {
        for (name, _) in configuration.iter().rev() {
            self.refresh(host, name).await?;
            self.remove(host, name).await?;
        }
        Ok(())
    }

    async fn refresh(&mut self, host: &mut Host, name: &'static str) -> Result<(), String> {
        let Some(instance) = self.0.get_mut(name) else {
            return Ok(());
        };
        let state = (&instance.value, &instance.private[..]);
        let read = host.read_with(name, state).await;
        sound(name, "read", read.errors)?;
        if read.value.is_null() {
            self.0.remove(name);
        } else {
            (instance.value, instance.private) = (read.value, read.private);
        }
        Ok(())
    }

    async fn change(
        &mut self,
        host: &mut Host,
        name: &'static str,
        config: &Value,
    ) -> Result<(), String> {
        let prior = self.0.get(name).cloned();
        let (value, private) = prior.as_ref().map_or((&Value::Null, &[][..]), |prior| {
            (&prior.value, &prior.private[..])
        });
        let (plan, replaced) = host.plan_with(name, (value, private), config).await;
        sound(name, "plan", plan.errors)?;
        if replaced && prior.is_some() {
            return Err(format!(
                "{name}: it is to be replaced, and nothing asks for that"
            ));
        }
        if plan.value == *value {
            return Ok(());
        }
        let planned = (&plan.value, &plan.private[..]);
        let applied = host.apply_with(name, value, planned, config).await;
        let failed = !applied.errors.is_empty();
        if !applied.value.is_null() {
            let instance = Instance {
                value: applied.value,
                private: applied.private,
                tainted: failed && prior.is_none(),
            };
            self.0.insert(name, instance);
        }
        sound(name, "apply", applied.errors)
    }

    async fn remove(&mut self, host: &mut Host, name: &'static str) -> Result<(), String> {
        let Some(instance) = self.0.get(name) else {
            return Ok(());
        };
        // What the provider keeps goes through the plan, as Terraform has it.
        let private = (&Value::Null, &instance.private[..]);
        let gone = host
            .apply_with(name, &instance.value, private, &Value::Null)
            .await;
        sound(name, "destroy", gone.errors)?;
        self.0.remove(name);
        Ok(())
    }
}

fn sound(name: &str, step: &str, errors: Vec<String>) -> Result<(), String> {
    if errors.is_empty() {
        return Ok(());
    }
    Err(format!("{name}: {step}: {}", errors.join("\n")))
}
