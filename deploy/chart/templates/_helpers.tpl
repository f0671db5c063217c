{{- define "podres.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "podres.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains (include "podres.name" .) .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "podres.name" .) | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- /* Two releases of one name in two namespaces must not share what has no namespace. */}}
{{- define "podres.clusterName" -}}
{{- printf "%s:%s" (include "podres.namespace" .) (include "podres.fullname" .) }}
{{- end }}

{{- /* The same for kinds whose names may have no colon. */}}
{{- define "podres.clusterDnsName" -}}
{{- printf "%s-%s" (include "podres.namespace" .) (include "podres.fullname" .) | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* `kubectl podres` finds exporters by the name podres-exporter, so nameOverride does not change it. */}}
{{- define "podres.selectorLabels" -}}
app.kubernetes.io/name: podres-exporter
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "podres.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "podres.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: exporter
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* No chart version here: a new one alone must not restart every pod. */}}
{{- define "podres.podLabels" -}}
{{ include "podres.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: exporter
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- with .Values.podLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* A parent chart's registry goes before the chart's own; neither before a repository that names one itself. */}}
{{- define "podres.registry" -}}
{{- dig "imageRegistry" "" (.Values.global | default dict) | default .Values.image.registry }}
{{- end }}

{{- define "podres.image" -}}
{{- $repository := .Values.image.repository }}
{{- with include "podres.registry" . }}
{{- $repository = printf "%s/%s" (trimSuffix "/" .) $repository }}
{{- end }}
{{- if .Values.image.digest }}
{{- printf "%s@%s" $repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" $repository (.Values.image.tag | default .Chart.AppVersion) }}
{{- end }}
{{- end }}

{{- /* Those of a parent chart, which may be names alone, and the chart's own, each once. */}}
{{- define "podres.imagePullSecrets" -}}
{{- $secrets := list }}
{{- range concat (dig "imagePullSecrets" list (.Values.global | default dict)) .Values.imagePullSecrets }}
{{- $secrets = append $secrets (ternary . (dict "name" .) (kindIs "map" .)) }}
{{- end }}
{{- with uniq $secrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "podres.namespace" -}}
{{- .Values.namespaceOverride | default .Release.Namespace }}
{{- end }}

{{- define "podres.usesPodsApi" -}}
{{- if eq .Values.metadata.source "podsapi" }}true{{ end }}
{{- end }}

{{- define "podres.usesApiServer" -}}
{{- if eq .Values.metadata.source "apiserver" }}true{{ end }}
{{- end }}

{{- /* OpenShift admits by service account, so one is needed there even without the API server. */}}
{{- define "podres.hasServiceAccount" -}}
{{- if or (include "podres.usesApiServer" .) .Values.openshift.enabled }}true{{ end }}
{{- end }}

{{- define "podres.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "podres.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "podres.hasWebConfig" -}}
{{- if or .Values.webConfig.inline .Values.webConfig.existingSecret }}true{{ end }}
{{- end }}

{{- define "podres.webSecretName" -}}
{{- .Values.webConfig.existingSecret | default (printf "%s-web" (include "podres.fullname" .)) }}
{{- end }}

{{- define "podres.webKey" -}}
{{- if .Values.webConfig.existingSecret }}{{ .Values.webConfig.key }}{{ else }}web.yml{{ end }}
{{- end }}

{{- define "podres.scheme" -}}
{{- $isTls := .Values.webConfig.tls }}
{{- if .Values.webConfig.inline }}
{{- $isTls = hasKey .Values.webConfig.inline "tls_server_config" }}
{{- end }}
{{- if and (include "podres.hasWebConfig" .) $isTls }}https{{ else }}http{{ end }}
{{- end }}

{{- /* No httpGet probe can show a client certificate, so where one is required the probe only connects. */}}
{{- define "podres.probe" -}}
{{- $needsCertificate := .root.Values.webConfig.clientCertificates }}
{{- with .root.Values.webConfig.inline }}
{{- $needsCertificate = has (dig "tls_server_config" "client_auth_type" "" .) (list "RequireAndVerifyClientCert") }}
{{- end }}
{{- if and (eq (include "podres.scheme" .root) "https") $needsCertificate -}}
tcpSocket:
  port: metrics
{{- else -}}
httpGet:
  path: {{ .path }}
  port: metrics
  scheme: {{ include "podres.scheme" .root | upper }}
{{- end }}
{{ toYaml .settings }}
{{- end }}

{{- /* The flags that `serve` and `check` share. */}}
{{- define "podres.sourceArgs" -}}
- --kubelet.timeout={{ .Values.kubelet.timeout }}
- --metadata.source={{ .Values.metadata.source }}
{{- with .Values.metadata.podLabelsAllowlist }}
- --metadata.pod-labels-allowlist=pods=[{{ join "," . }}]
{{- end }}
- --log.level={{ .Values.log.level }}
- --log.format={{ .Values.log.format }}
{{- end }}

{{- define "podres.nodeName" -}}
- name: NODE_NAME
  valueFrom:
    fieldRef:
      fieldPath: spec.nodeName
{{- /* By its own pod the exporter knows whether a kubelet has had the pods of its API server. */}}
- name: POD_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
- name: POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
{{- end }}

{{- /* SELinux on OpenShift lets this type alone connect to the kubelet's socket (container-selinux from 2.234.1 on). */}}
{{- define "podres.seLinuxOptions" -}}
{{- if .Values.seLinuxOptions }}
{{- toYaml .Values.seLinuxOptions }}
{{- else if .Values.openshift.enabled }}
{{- toYaml (dict "type" "container_device_plugin_t") }}
{{- end }}
{{- end }}

{{- define "podres.podSecurityContext" -}}
{{- $own := dict "seccompProfile" (dict "type" "RuntimeDefault") }}
{{- with include "podres.seLinuxOptions" . }}
{{- $own = set $own "seLinuxOptions" (fromYaml .) }}
{{- end }}
{{- toYaml (mergeOverwrite $own (deepCopy .Values.podSecurityContext)) }}
{{- end }}

{{- /* The socket is root:root 0755, and connecting needs its write bit: UID 0 has it as the owner, without any capability. */}}
{{- define "podres.securityContext" -}}
{{- $own := dict "runAsUser" 0 "runAsGroup" 0 "runAsNonRoot" false "privileged" false "allowPrivilegeEscalation" false }}
{{- $own = mergeOverwrite $own (dict "readOnlyRootFilesystem" true "capabilities" (dict "drop" (list "ALL"))) }}
{{- toYaml (mergeOverwrite $own (deepCopy .Values.securityContext)) }}
{{- end }}

{{- define "podres.socketMount" -}}
- name: pod-resources
  mountPath: /var/lib/kubelet/pod-resources
  readOnly: {{ .Values.kubelet.readOnly }}
{{- if include "podres.usesPodsApi" . }}
- name: pods-api
  mountPath: /var/lib/kubelet/pods-api
  readOnly: {{ .Values.kubelet.readOnly }}
{{- if .Values.kubelet.pluginsDir }}
- name: kubelet-plugins
  mountPath: /var/lib/kubelet/plugins
  readOnly: true
  # Storage drivers mount volumes below it: what the node unmounts must not stay mounted here.
  mountPropagation: HostToContainer
{{- end }}
{{- end }}
{{- end }}

{{- define "podres.socketVolume" -}}
- name: pod-resources
  hostPath:
    path: {{ .Values.kubelet.podResourcesDir }}
    type: Directory
{{- if include "podres.usesPodsApi" . }}
- name: pods-api
  hostPath:
    path: {{ .Values.kubelet.podsApiDir }}
    type: Directory
{{- if .Values.kubelet.pluginsDir }}
- name: kubelet-plugins
  hostPath:
    path: {{ .Values.kubelet.pluginsDir }}
    type: Directory
{{- end }}
{{- end }}
{{- end }}

{{- define "podres.placement" -}}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
{{- with .Values.dnsPolicy }}
dnsPolicy: {{ . }}
{{- end }}
{{- end }}

{{- /* What PodMonitor, ServiceMonitor and VMPodScrape have in common; the last calls two of the keys otherwise. */}}
{{- define "podres.endpoint" -}}
{{- $root := .root }}
port: metrics
path: {{ $root.Values.web.telemetryPath }}
scheme: {{ include "podres.scheme" $root }}
# Our namespace, pod and container are those of the workload, not of the target.
honorLabels: true
{{- with $root.Values.monitor.interval }}
interval: {{ . }}
{{- end }}
{{- with $root.Values.monitor.scrapeTimeout }}
scrapeTimeout: {{ . }}
{{- end }}
{{- if eq (include "podres.scheme" $root) "https" }}
{{- with $root.Values.monitor.tlsConfig }}
tlsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- with $root.Values.monitor.basicAuth }}
basicAuth:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.monitor.authorization }}
authorization:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{ .relabelKey }}:
  - action: replace
    sourceLabels: [__meta_kubernetes_pod_node_name]
    targetLabel: node
  # The exporter's own pod and container would pass for a workload on the metrics that have none.
  - action: labeldrop
    regex: pod|container
  {{- with .values.relabelings }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .values.metricRelabelings }}
{{ $.metricRelabelKey }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* What a scrape may bring at most; Prometheus drops the whole scrape above a limit, so 0 sets none. */}}
{{- define "podres.scrapeLimits" -}}
{{- range $name := list "sampleLimit" "targetLimit" "labelLimit" "labelNameLengthLimit" "labelValueLengthLimit" }}
{{- with index $.Values.monitor $name }}
{{ $name }}: {{ int64 . }}
{{- end }}
{{- end }}
{{- end }}

{{/* Not empty where the exporter may read ResourceSlices and ResourceClaims: rbac.dra decides, auto by what is served. */}}
{{- define "podres.readsDra" -}}
{{- $served := false -}}
{{- range list "v1" "v1beta2" "v1beta1" -}}
{{- if $.Capabilities.APIVersions.Has (printf "resource.k8s.io/%s" .) }}{{ $served = true }}{{ end -}}
{{- end -}}
{{- $wanted := toString .Values.rbac.dra -}}
{{- if and (ne (toString (get .Values.collectors "dra")) "false") (or (eq $wanted "true") (and (eq $wanted "auto") $served)) -}}
true
{{- end -}}
{{- end }}
