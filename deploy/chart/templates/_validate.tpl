{{- /* Combinations of values that no schema can name: each is refused with what is wrong and what to set instead. */}}
{{- define "podres.validate" -}}
{{- include "podres.validateImage" . }}
{{- include "podres.validateWeb" . }}
{{- include "podres.validateScraping" . }}
{{- include "podres.validatePod" . }}
{{- include "podres.validateRules" . }}
{{- end }}

{{- define "podres.validateImage" -}}
{{- if not .Values.image.repository }}
{{- fail "image.repository is empty, and no image is published yet: build one with deploy/Dockerfile, push it where your nodes pull from, and set image.repository=registry.example.com/podres-exporter" }}
{{- end }}
{{- $first := index (splitList "/" .Values.image.repository) 0 }}
{{- if and (include "podres.registry" .) (contains "/" .Values.image.repository) (regexMatch "[.:]|^localhost$" $first) }}
{{- fail (printf "image.repository names the registry %s, and image.registry or global.imageRegistry names %s: leave the registry out of image.repository" $first (include "podres.registry" .)) }}
{{- end }}
{{- end }}

{{- define "podres.validateWeb" -}}
{{- if lt (int .Values.web.port) 1024 }}
{{- fail (printf "web.port %d is below 1024, which needs the capability NET_BIND_SERVICE, and every capability is dropped: use a higher port, and a Service in front of it if it must be %d" (int .Values.web.port) (int .Values.web.port)) }}
{{- end }}
{{- if and .Values.webConfig.inline .Values.webConfig.existingSecret }}
{{- fail "webConfig.inline and webConfig.existingSecret are both set; one file is read, so give one of them" }}
{{- end }}
{{- if and .Values.webConfig.certificateSecret (not (include "podres.hasWebConfig" .)) }}
{{- fail "webConfig.certificateSecret is mounted but nothing uses it; set webConfig.inline to {tls_server_config: {cert_file: tls.crt, key_file: tls.key}}" }}
{{- end }}
{{- if and (or .Values.webConfig.tls .Values.webConfig.clientCertificates) (not .Values.webConfig.existingSecret) }}
{{- fail "webConfig.tls and webConfig.clientCertificates describe the file in webConfig.existingSecret, which is not set; with webConfig.inline the chart reads the file itself" }}
{{- end }}
{{- if and .Values.webConfig.clientCertificates (not .Values.webConfig.tls) }}
{{- fail "webConfig.clientCertificates without webConfig.tls: client certificates exist with TLS only, so set both" }}
{{- end }}
{{- end }}

{{- /* The sum of the parts of a duration such as 1m30s, in milliseconds. */}}
{{- define "podres.milliseconds" -}}
{{- $total := 0 }}
{{- range regexFindAll "[0-9]+(ms|s|m|h)" . -1 }}
{{- $unit := regexFind "[a-z]+" . }}
{{- $total = add $total (mul (regexFind "[0-9]+" . | int64) (get (dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000) $unit)) }}
{{- end }}
{{- $total }}
{{- end }}

{{- define "podres.validateScraping" -}}
{{- $enabled := list }}
{{- range $name := list "podMonitor" "serviceMonitor" "vmPodScrape" "clusterPodMonitoring" "prometheusAnnotations" }}
{{- if (index $.Values $name).enabled }}{{ $enabled = append $enabled $name }}{{ end }}
{{- end }}
{{- if gt (len $enabled) 1 }}
{{- fail (printf "%s are enabled together; every node would be scraped twice, so enable one" (join " and " $enabled)) }}
{{- end }}
{{- $monitor := .Values.monitor }}
{{- $interval := $monitor.interval | default (ternary "30s" "" .Values.clusterPodMonitoring.enabled) }}
{{- if and $monitor.scrapeTimeout $interval }}
{{- if gt (include "podres.milliseconds" $monitor.scrapeTimeout | int64) (include "podres.milliseconds" $interval | int64) }}
{{- fail (printf "monitor.scrapeTimeout %s is longer than the interval %s between two scrapes; Prometheus Operator drops such a monitor, so make it shorter" $monitor.scrapeTimeout $interval) }}
{{- end }}
{{- end }}
{{- if and $monitor.basicAuth $monitor.authorization }}
{{- fail "monitor.basicAuth and monitor.authorization are both set; one header is sent, so give one of them" }}
{{- end }}
{{- if and $monitor.tlsConfig (eq (include "podres.scheme" .) "http") }}
{{- fail "monitor.tlsConfig is set, but the exporter serves plain HTTP: set webConfig.inline with a tls_server_config, or webConfig.tls with your own Secret" }}
{{- end }}
{{- end }}

{{- define "podres.validatePod" -}}
{{- $update := .Values.updateStrategy.rollingUpdate | default dict }}
{{- $surge := dig "maxSurge" 0 $update | toString | trimSuffix "%" }}
{{- $unavailable := dig "maxUnavailable" 1 $update | toString | trimSuffix "%" }}
{{- if and (ne $surge "0") (ne $unavailable "0") }}
{{- fail (printf "updateStrategy.rollingUpdate.maxSurge %v needs maxUnavailable: 0 beside it (the default is 10%%); Kubernetes refuses both at once" $update.maxSurge) }}
{{- end }}
{{- if and (eq $surge "0") (eq $unavailable "0") }}
{{- fail "updateStrategy.rollingUpdate has maxUnavailable 0 and no maxSurge, so no pod could ever be updated: set one of them" }}
{{- end }}
{{- if and .Values.kubelet.pluginsDir (not (include "podres.usesPodsApi" .)) }}
{{- fail (printf "kubelet.pluginsDir is set, but names of claims are read from drivers' files with metadata.source=podsapi only; it is %s, which needs none of them: leave it empty" .Values.metadata.source) }}
{{- end }}
{{- range .Values.extraVolumes }}
{{- if has .name (list "pod-resources" "pods-api" "kubelet-plugins" "web-config") }}
{{- fail (printf "extraVolumes has a volume %s, a name that the chart uses itself; give it another one" .name) }}
{{- end }}
{{- end }}
{{- range .Values.extraVolumeMounts }}
{{- if has (trimSuffix "/" .mountPath) (list "/var/lib/kubelet/pod-resources" "/var/lib/kubelet/pods-api" "/etc/podres") }}
{{- fail (printf "extraVolumeMounts mounts %s, where the chart mounts what the exporter reads; choose another mountPath" .mountPath) }}
{{- end }}
{{- end }}
{{- range .Values.extraEnv }}
{{- if has .name (list "NODE_NAME" "POD_NAME" "POD_NAMESPACE") }}
{{- fail (printf "extraEnv sets %s, which the chart takes from the pod itself; leave it out" .name) }}
{{- end }}
{{- end }}
{{- range concat .Values.extraContainers .Values.extraInitContainers }}
{{- if eq .name "exporter" }}
{{- fail "extraContainers or extraInitContainers has a container exporter, the name of the chart's own; give it another one" }}
{{- end }}
{{- end }}
{{- range $name := list "podSecurityContext" "securityContext" }}
{{- $user := dig "runAsUser" 0 (index $.Values $name) }}
{{- if or (ne (int64 $user) 0) (dig "runAsNonRoot" false (index $.Values $name)) }}
{{- fail (printf "%s asks for another user than root: the kubelet's socket is root's alone to connect to (root:root 0755), so UID 0 is needed, without any capability" $name) }}
{{- end }}
{{- end }}
{{- if hasKey .Values.podSecurityContext "seLinuxOptions" }}
{{- fail "podSecurityContext.seLinuxOptions: use the value seLinuxOptions, which OpenShift's constraints follow too" }}
{{- end }}
{{- if and (include "podres.hasServiceAccount" .) (not .Values.serviceAccount.create) (not .Values.serviceAccount.name) }}
{{- fail "serviceAccount.create=false without serviceAccount.name would give the rights to every pod of the namespace that uses the account default: name an account of your own" }}
{{- end }}
{{- end }}

{{- define "podres.validateRules" -}}
{{- $alerts := list }}
{{- $records := list }}
{{- $thresholds := list }}
{{- range $path, $_ := .Files.Glob "rules/*.yaml" }}
{{- range ($.Files.Get $path | fromYaml).groups }}
{{- range .rules }}
{{- if .alert }}
{{- $alerts = append $alerts .alert }}
{{- if regexMatch "[<>]=? [0-9.]+\\s*$" .expr }}{{ $thresholds = append $thresholds .alert }}{{ end }}
{{- else }}
{{- $records = append $records .record }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- range .Values.prometheusRule.disabled }}
{{- if not (has . (concat $alerts $records)) }}
{{- fail (printf "prometheusRule.disabled names %s, and there is no such rule; the alerts are %s" . (join ", " $alerts)) }}
{{- end }}
{{- end }}
{{- range $name, $settings := .Values.prometheusRule.alerts }}
{{- if not (has $name $alerts) }}
{{- fail (printf "prometheusRule.alerts names %s, and there is no such alert; there are %s" $name (join ", " $alerts)) }}
{{- end }}
{{- if and (hasKey $settings "threshold") (not (has $name $thresholds)) }}
{{- fail (printf "prometheusRule.alerts.%s.threshold: this alert compares with no number; those that do are %s" $name (join ", " $thresholds)) }}
{{- end }}
{{- end }}
{{- end }}
