package firestore

import (
	"os/exec"
	"path/filepath"
)

const jarBelowSDK = "platform/cloud-firestore-emulator/*.jar"

// findJar looks below the root of the gcloud SDK, which is two levels above its real gcloud,
// and where Linux packages put that SDK.
func findJar() (string, error) {
	roots := []string{"/usr/lib/google-cloud-sdk"}
	if gcloud, err := exec.LookPath("gcloud"); err == nil {
		if real, err := filepath.EvalSymlinks(gcloud); err == nil {
			roots = append([]string{filepath.Dir(filepath.Dir(real))}, roots...)
		}
	}
	for _, root := range roots {
		if jars, _ := filepath.Glob(filepath.Join(root, jarBelowSDK)); len(jars) > 0 {
			return jars[0], nil
		}
	}
	return "", ErrAbsent
}
