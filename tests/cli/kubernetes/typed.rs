//! The types of Kubernetes: what they do not give back, they do not know.

use super::manifests::Object;
use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    autoscaling::v2::HorizontalPodAutoscaler,
    core::v1::{ConfigMap, Secret, Service, ServiceAccount},
    networking::v1::{Ingress, NetworkPolicy},
    policy::v1::PodDisruptionBudget,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// What Kubernetes does not understand of `object`.
pub fn find_unknown(object: &Object) -> Vec<String> {
    let read = match (object.text("/apiVersion"), object.kind()) {
        ("apps/v1", "Deployment") => give_back::<Deployment>,
        ("apps/v1", "StatefulSet") => give_back::<StatefulSet>,
        ("autoscaling/v2", "HorizontalPodAutoscaler") => give_back::<HorizontalPodAutoscaler>,
        ("networking.k8s.io/v1", "Ingress") => give_back::<Ingress>,
        ("networking.k8s.io/v1", "NetworkPolicy") => give_back::<NetworkPolicy>,
        ("policy/v1", "PodDisruptionBudget") => give_back::<PodDisruptionBudget>,
        ("v1", "ConfigMap") => give_back::<ConfigMap>,
        ("v1", "Secret") => give_back::<Secret>,
        ("v1", "Service") => give_back::<Service>,
        ("v1", "ServiceAccount") => give_back::<ServiceAccount>,
        (version, kind) => {
            return vec![format!("{}: {version} has no {kind}", object.file)];
        }
    };
    match read(&object.value) {
        Ok(back) => {
            let mut lost = Vec::new();
            compare(&object.value, &back, &mut String::new(), &mut lost);
            lost.into_iter()
                .map(|field| format!("{}: {} has no {field}", object.file, object.kind()))
                .collect()
        }
        Err(why) => vec![format!("{}: {why}", object.file)],
    }
}

fn give_back<T: DeserializeOwned + Serialize>(value: &Value) -> Result<Value, String> {
    let typed: T = serde_json::from_value(value.clone()).map_err(|why| why.to_string())?;
    serde_json::to_value(typed).map_err(|why| why.to_string())
}

fn compare(said: &Value, back: &Value, path: &mut String, lost: &mut Vec<String>) {
    let mut inside = |part: &str, said: &Value, back: Option<&Value>| {
        let length = path.len();
        path.push('/');
        path.push_str(part);
        match back {
            Some(back) => compare(said, back, path, lost),
            None => lost.push(path.clone()),
        }
        path.truncate(length);
    };
    match (said, back) {
        (Value::Object(said), Value::Object(back)) => {
            said.iter().for_each(|(name, value)| inside(name, value, back.get(name)));
        }
        (Value::Array(said), Value::Array(back)) => {
            let all = said.iter().enumerate();
            all.for_each(|(place, value)| inside(&place.to_string(), value, back.get(place)));
        }
        _ if said == back => {}
        _ => lost.push(format!("{path} = {said}")),
    }
}
