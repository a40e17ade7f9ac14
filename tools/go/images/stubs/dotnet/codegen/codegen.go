// Package codegen stands in for the module of this name, which docker-build imports for SDK generation alone.
package codegen

// CSharpPackageInfo has the fields that docker-build fills in.
type CSharpPackageInfo struct {
	PackageReferences    map[string]string
	RespectSchemaVersion bool
}
