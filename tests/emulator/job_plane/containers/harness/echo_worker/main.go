// A worker without an operating system below it, so that an image of it is one small layer: it speaks the protocol of
// the platform's own SDK, and does what a job's input says.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

type input struct {
	Say   string   `json:"say"`
	Env   []string `json:"env"`
	Read  string   `json:"read"`
	Write string   `json:"write"`
	Hang  bool     `json:"hang"`
	Exit  *int     `json:"exit"`
}

type job struct {
	ID    string `json:"id"`
	Input input  `json:"input"`
}

func main() {
	fmt.Println("echo worker starts:", strings.Join(os.Args, " "))
	if len(os.Args) > 1 && os.Args[1] == "crash" {
		fmt.Fprintln(os.Stderr, "about to crash")
		os.Exit(3)
	}
	if len(os.Args) > 1 && os.Args[1] == "deaf" {
		signal.Ignore(syscall.SIGTERM)
	}
	if os.Getenv("RUNPOD_WEBHOOK_GET_JOB") == "" {
		serve(os.Getenv("PORT"))
	}
	id := os.Getenv("RUNPOD_POD_ID")
	take := strings.ReplaceAll(os.Getenv("RUNPOD_WEBHOOK_GET_JOB"), "$ID", id) + "&job_in_progress=0"
	done := strings.ReplaceAll(os.Getenv("RUNPOD_WEBHOOK_POST_OUTPUT"), "$RUNPOD_POD_ID", id)
	for {
		status, body := call("GET", take, nil)
		if status != http.StatusOK {
			if status != http.StatusNoContent {
				time.Sleep(time.Second)
			}
			continue
		}
		var taken job
		if err := json.Unmarshal(body, &taken); err != nil {
			panic(err)
		}
		result, _ := json.Marshal(map[string]any{"output": work(taken.Input)})
		call("POST", strings.ReplaceAll(done, "$ID", taken.ID)+"&isStream=false", result)
	}
}

// A load balancer's worker has no job to take: it answers requests, its ping included.
func serve(port string) {
	answer := func(writer http.ResponseWriter, request *http.Request) {
		fmt.Fprintf(writer, "%s %s by %s", request.Method, request.URL.Path, os.Getenv("RUNPOD_POD_ID"))
	}
	panic(http.ListenAndServe("127.0.0.1:"+port, http.HandlerFunc(answer)))
}

func work(told input) map[string]any {
	if told.Say != "" {
		fmt.Println(told.Say)
	}
	if told.Exit != nil {
		os.Exit(*told.Exit)
	}
	if told.Hang {
		time.Sleep(time.Hour)
	}
	env := map[string]string{}
	for _, name := range told.Env {
		env[name] = os.Getenv(name)
	}
	found := map[string]any{"uid": os.Getuid(), "args": os.Args, "env": env}
	if told.Read != "" {
		text, err := os.ReadFile(told.Read)
		found["read"], found["readError"] = string(text), said(err)
	}
	if told.Write != "" {
		found["writeError"] = said(os.WriteFile(told.Write, []byte("from the container"), 0o600))
	}
	return found
}

func said(err error) string {
	if err != nil {
		return err.Error()
	}
	return ""
}

func call(method, url string, body []byte) (int, []byte) {
	request, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	request.Header.Set("Authorization", os.Getenv("RUNPOD_AI_API_KEY"))
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 0, nil
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, text
}
