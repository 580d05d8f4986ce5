package provider_test

import (
	"strings"
	"testing"

	"aksio.app/shared/ai"
	"aksio.app/shared/ai/provider"
	"aksio.app/shared/resource"
)

func TestOpen(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		settings map[string]string
		want     string // the model's name, or a part of the error
	}{
		{"no key", nil, "offline"},
		{"key", map[string]string{"OPENAI_API_KEY": "sk-x"}, "gpt-4o-mini"},
		{"own server", map[string]string{"OPENAI_BASE_URL": "http://localhost:11434/v1", "AI_MODEL": "llama3.2"}, "llama3.2"},
		{"model that isn't offered", map[string]string{"OPENAI_API_KEY": "sk-x", "AI_MODEL": "gpt-9"}, "AI_MODEL is"},
		{"address", map[string]string{"OPENAI_BASE_URL": "localhost"}, "OPENAI_BASE_URL is"},
		{"time", map[string]string{"AI_TIMEOUT": "1ms"}, "AI_TIMEOUT is"},
		{"tokens", map[string]string{"AI_MAX_TOKENS": "5000"}, "AI_MAX_TOKENS is"},
		{"price", map[string]string{"AI_PRICES": "x=-1"}, "AI_PRICES has x=-1"},
		{"prices", map[string]string{"AI_PRICES": "llama3:8b=0,x=2.5"}, "offline"},
		{"input", map[string]string{"AI_INPUT_TOKENS": "10"}, "AI_INPUT_TOKENS is"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			env := resource.NewProcess(tc.settings).Env("test", []resource.Name{ai.Resource})
			model, err := provider.Open(env)
			switch {
			case err != nil && !strings.Contains(err.Error(), tc.want):
				t.Errorf("error %v, want %q", err, tc.want)
			case err == nil && model.Name() != tc.want:
				t.Errorf("model %q, want %q", model.Name(), tc.want)
			}
		})
	}
}
