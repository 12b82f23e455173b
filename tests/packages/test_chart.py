"""The Helm chart: what it renders is valid for Kubernetes, and values that cannot work are refused in words."""

import importlib.util
import pathlib
import shutil
import subprocess
import unittest

import checkout

CHART = checkout.SOURCE / "packaging/helm"
HELM = shutil.which("helm") or next(iter((pathlib.Path.home() / "go/bin").glob("helm")), None)
TLS = ("--set", "tlsSecret=certificate")
DATABASE = ("--set", "store=postgresql", "--set", "postgresql.url=postgresql://semblance@database/semblance")
EVERYTHING = (
    *("--set", "insecure=true,ingress.enabled=true,ingress.host=faces.example,ingress.tlsSecret=certificate"),
    *("--set", "serviceMonitor.enabled=true,postgresql.passwordSecret.name=database"),
    *("--set", "trustedProxies={10.0.0.0/8},settings.SEMBLANCE_WORKERS=2"),
)


@unittest.skipUnless(HELM, "helm is not installed")
class Chart(unittest.TestCase):
    def render(self, *values, check=True):
        return subprocess.run(
            [HELM, "template", "faces", CHART, *values], capture_output=True, text=True, check=check, timeout=300
        )

    def test_helm_finds_no_fault(self):
        subprocess.run([HELM, "lint", "--strict", CHART, *TLS], check=True, capture_output=True)

    @unittest.skipUnless(importlib.util.find_spec("kubernetes_validate"), "kubernetes-validate is not installed")
    def test_every_resource_fits_the_schema_of_kubernetes(self):
        import kubernetes_validate
        import yaml

        for values in TLS, (*TLS, *DATABASE), (*DATABASE, *EVERYTHING):
            for resource in filter(None, yaml.safe_load_all(self.render(*values).stdout)):
                if not resource["apiVersion"].startswith("monitoring.coreos.com"):
                    kubernetes_validate.validate(resource, "1.30", strict=True)

    def test_a_gallery_on_a_volume_has_one_server_and_one_in_a_database_several(self):
        kinds = [line for line in self.render(*TLS).stdout.splitlines() if line.startswith("kind: ")]
        self.assertIn("kind: StatefulSet", kinds)
        self.assertNotIn("kind: PodDisruptionBudget", kinds)
        text = self.render(*TLS, *DATABASE).stdout
        for part in "kind: Deployment", "kind: PodDisruptionBudget", "replicas: 2":
            self.assertIn(part, text)

    def test_values_that_cannot_work_are_refused_in_words(self):
        for values, words in (
            ((), "set tlsSecret, or insecure"),
            ((*TLS, "--set", "store=mysql"), "store is sqlite or postgresql"),
            ((*TLS, "--set", "store=postgresql"), "needs postgresql.url"),
            ((*TLS, "--set", "ingress.enabled=true"), "ingress.host"),
        ):
            with self.subTest(words=words):
                done = self.render(*values, check=False)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(words, done.stderr)


if __name__ == "__main__":
    unittest.main()
