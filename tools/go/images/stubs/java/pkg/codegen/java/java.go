// Package java stands in for the module of this name, which docker-build imports for SDK generation alone.
package java

// PackageInfo has the fields that docker-build fills in.
type PackageInfo struct {
	BuildFiles                       string
	GradleNexusPublishPluginVersion string
	Dependencies                     map[string]string
}
