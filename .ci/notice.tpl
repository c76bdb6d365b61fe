featureaudit
Licensed under the Apache License, Version 2.0 (see LICENSE).

The program links the packages below, each under its own licence. `make notice` writes this file anew.

{{range .}}{{.Name}}: {{if eq .Name "modernc.org/mathutil"}}BSD-3-Clause{{else}}{{.LicenseName}}{{end}}
{{end}}
