// Command codegen writes SDKs of a Pulumi schema with Pulumi's own generators, as `pulumi package gen-sdk` does where
// the language hosts are installed: codegen SCHEMA.json OUT [nodejs|python|go]...
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/blang/semver"
	gogen "github.com/pulumi/pulumi/pkg/v3/codegen/go"
	"github.com/pulumi/pulumi/pkg/v3/codegen/nodejs"
	"github.com/pulumi/pulumi/pkg/v3/codegen/python"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
)

func main() {
	if len(os.Args) < 4 {
		fail(fmt.Errorf("usage: codegen SCHEMA.json OUT LANGUAGE..."))
	}
	for _, language := range os.Args[3:] {
		files, err := generate(os.Args[1], language)
		if err != nil {
			fail(fmt.Errorf("%s: %w", language, err))
		}
		for name, content := range files {
			path := filepath.Join(os.Args[2], language, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				fail(err)
			}
			if err := os.WriteFile(path, content, 0o644); err != nil {
				fail(err)
			}
		}
	}
}

// generate binds the schema anew: a generator changes the package that it is given.
func generate(path, language string) (map[string][]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var spec schema.PackageSpec
	if err := json.Unmarshal(text, &spec); err != nil {
		return nil, err
	}
	pkg, diagnostics, err := schema.BindSpec(spec, alone{}, schema.ValidationOptions{AllowDanglingReferences: false})
	if err != nil {
		return nil, err
	}
	for _, diagnostic := range diagnostics {
		fmt.Fprintln(os.Stderr, diagnostic)
	}
	if diagnostics.HasErrors() {
		return nil, fmt.Errorf("the schema is not valid")
	}
	switch language {
	case "nodejs":
		return nodejs.GeneratePackage("pulumi-runpod", pkg, nil, nil, false, alone{})
	case "python":
		return python.GeneratePackage("pulumi-runpod", pkg, nil, alone{})
	case "go":
		return gogen.GeneratePackage("pulumi-runpod", pkg, nil)
	}
	return nil, fmt.Errorf("no generator for it")
}

// alone loads nothing: our schema refers to no other package.
type alone struct{}

func (alone) LoadPackage(name string, _ *semver.Version) (*schema.Package, error) {
	return nil, fmt.Errorf("%s: another package", name)
}

func (alone) LoadPackageV2(_ context.Context, descriptor *schema.PackageDescriptor) (*schema.Package, error) {
	return nil, fmt.Errorf("%s: another package", descriptor.Name)
}

func (alone) LoadPackageReference(name string, _ *semver.Version) (schema.PackageReference, error) {
	return nil, fmt.Errorf("%s: another package", name)
}

func (alone) LoadPackageReferenceV2(
	_ context.Context, descriptor *schema.PackageDescriptor,
) (schema.PackageReference, error) {
	return nil, fmt.Errorf("%s: another package", descriptor.Name)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "codegen:", err)
	os.Exit(1)
}
