{{- define "semblance.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-{{ .Chart.Name }}{{ end }}
{{- end }}

{{- define "semblance.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "semblance.labels" -}}
{{ include "semblance.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{/* What the values must say, and in words what is missing. */}}
{{- define "semblance.check" -}}
{{- if not (has .Values.store (list "sqlite" "postgresql")) }}{{ fail "store is sqlite or postgresql" }}{{ end }}
{{- if and (eq .Values.store "postgresql") (not .Values.postgresql.url) }}
{{- fail "store: postgresql needs postgresql.url, such as postgresql://semblance@database/semblance" }}{{ end }}
{{- if not .Values.rootKeySecret.name }}{{ fail "rootKeySecret.name names the Secret with the root key" }}{{ end }}
{{- if not (or .Values.tlsSecret .Values.insecure) }}
{{- fail "set tlsSecret, or insecure: true where an ingress or a mesh does TLS" }}{{ end }}
{{- if and .Values.ingress.enabled (not .Values.ingress.host) }}{{ fail "ingress.host names the host" }}{{ end }}
{{- end }}

{{- define "semblance.environment" -}}
- { name: SEMBLANCE_LISTEN, value: "0.0.0.0" }
- { name: SEMBLANCE_KEY_FILE, value: /run/secrets/root/semblance.key }
- name: SEMBLANCE_SERVER_NAMES
  value: {{ concat (list (include "semblance.name" .) (printf "%s.%s" (include "semblance.name" .) .Release.Namespace)
    (printf "%s.%s.svc" (include "semblance.name" .) .Release.Namespace)) .Values.serverNames
    (ternary (list .Values.ingress.host) (list) .Values.ingress.enabled) | uniq | join "," | quote }}
{{- with .Values.trustedProxies }}
- { name: SEMBLANCE_TRUSTED_PROXY, value: {{ join "," . | quote }} }
{{- end }}
{{- if .Values.tlsSecret }}
- { name: SEMBLANCE_TLS_CERT, value: /run/secrets/tls/tls.crt }
- { name: SEMBLANCE_TLS_KEY, value: /run/secrets/tls/tls.key }
{{- end }}
{{- if .Values.insecure }}
- { name: SEMBLANCE_INSECURE, value: "true" }
{{- end }}
{{- if eq .Values.store "postgresql" }}
- { name: SEMBLANCE_STORE, value: {{ .Values.postgresql.url | quote }} }
- { name: SEMBLANCE_SEARCH, value: {{ .Values.postgresql.search | quote }} }
{{- with .Values.postgresql.passwordSecret }}
{{- if .name }}
- name: PGPASSWORD
  valueFrom: { secretKeyRef: { name: {{ .name }}, key: {{ .key }} } }
{{- end }}
{{- end }}
{{- end }}
{{- range $name, $value := .Values.settings }}
- { name: {{ $name }}, value: {{ $value | quote }} }
{{- end }}
{{- end }}

{{- define "semblance.container" -}}
image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
volumeMounts:
  - { name: data, mountPath: /var/lib/semblance }
  - { name: cache, mountPath: /var/cache/semblance }
  - { name: temporary, mountPath: /tmp }
  - { name: root-key, mountPath: /run/secrets/root, readOnly: true }
  {{- if .Values.tlsSecret }}
  - { name: tls, mountPath: /run/secrets/tls, readOnly: true }
  {{- end }}
{{- end }}

{{- define "semblance.pod" -}}
metadata:
  labels: {{- include "semblance.labels" . | nindent 4 }}
spec:
  automountServiceAccountToken: false
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    seccompProfile: { type: RuntimeDefault }
  terminationGracePeriodSeconds: 40
  {{- if .Values.adminPasswordSecret.name }}
  initContainers:
    - name: admin-password
      args: [access, password, --if-none]
      {{- include "semblance.container" . | nindent 6 }}
      env:
        {{- include "semblance.environment" . | nindent 8 }}
        - name: SEMBLANCE_ADMIN_PASSWORD
          valueFrom: { secretKeyRef: { name: {{ .Values.adminPasswordSecret.name }}, key: {{ .Values.adminPasswordSecret.key }} } }
  {{- end }}
  containers:
    - name: semblance
      {{- include "semblance.container" . | nindent 6 }}
      env: {{- include "semblance.environment" . | nindent 8 }}
      ports: [{ name: http, containerPort: 8501 }]
      {{- $probe := dict "httpGet" (dict "port" "http" "scheme" (ternary "HTTPS" "HTTP" (ne .Values.tlsSecret ""))) }}
      startupProbe:
        httpGet: {{- merge (dict "path" "/readyz") $probe.httpGet | toYaml | nindent 10 }}
        periodSeconds: 2
        failureThreshold: 150
      readinessProbe:
        httpGet: {{- merge (dict "path" "/readyz") $probe.httpGet | toYaml | nindent 10 }}
        periodSeconds: 5
      livenessProbe:
        httpGet: {{- merge (dict "path" "/healthz") $probe.httpGet | toYaml | nindent 10 }}
        periodSeconds: 10
        failureThreshold: 6
      resources: {{- toYaml .Values.resources | nindent 8 }}
  volumes:
    - { name: cache, emptyDir: {} }
    - { name: temporary, emptyDir: {} }
    - name: root-key
      secret:
        secretName: {{ .Values.rootKeySecret.name }}
        defaultMode: 0440
        items: [{ key: {{ .Values.rootKeySecret.key }}, path: semblance.key }]
    {{- if .Values.tlsSecret }}
    - { name: tls, secret: { secretName: {{ .Values.tlsSecret }}, defaultMode: 0440 } }
    {{- end }}
    {{- if eq .Values.store "postgresql" }}
    - { name: data, emptyDir: {} }
    {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
