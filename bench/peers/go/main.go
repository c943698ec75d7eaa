// Command openai_go is openai-go, as its README shows it.
package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"golang.org/x/sys/unix"
)

type counts struct {
	requests, chunks, textBytes atomic.Int64
}

func ask(client *openai.Client, workload string, into *counts) error {
	ctx := context.Background()
	params := openai.ChatCompletionNewParams{
		Model:    "bench",
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("hello")},
	}
	var chunks, textBytes int
	switch workload {
	case "embeddings":
		answer, err := client.Embeddings.New(ctx, openai.EmbeddingNewParams{
			Model:          "bench",
			Input:          openai.EmbeddingNewParamsInputUnion{OfString: openai.String("hello")},
			EncodingFormat: openai.EmbeddingNewParamsEncodingFormatFloat,
		})
		if err != nil {
			return err
		}
		for _, each := range answer.Data {
			textBytes += 4 * len(each.Embedding)
		}
	case "bulk", "trickle", "paced", "tools":
		stream := client.Chat.Completions.NewStreaming(ctx, params)
		defer stream.Close()
		for stream.Next() {
			chunks++
			for _, choice := range stream.Current().Choices {
				textBytes += len(choice.Delta.Content)
				for _, call := range choice.Delta.ToolCalls {
					textBytes += len(call.Function.Arguments)
				}
			}
		}
		if err := stream.Err(); err != nil {
			return err
		}
	default:
		answer, err := client.Chat.Completions.New(ctx, params)
		if err != nil {
			return err
		}
		for _, choice := range answer.Choices {
			textBytes += len(choice.Message.Content)
		}
	}
	into.requests.Add(1)
	into.chunks.Add(int64(chunks))
	into.textBytes.Add(int64(textBytes))
	return nil
}

// run makes the requests, so many of them at a time.
func run(client *openai.Client, workload string, requests, concurrency int, into *counts) error {
	var left atomic.Int64
	left.Store(int64(requests))
	failures := make(chan error, concurrency)
	var callers sync.WaitGroup
	for range concurrency {
		callers.Go(func() {
			for left.Add(-1) >= 0 {
				if err := ask(client, workload, into); err != nil {
					failures <- err
					return
				}
			}
		})
	}
	callers.Wait()
	close(failures)
	return <-failures
}

func cpu() float64 {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &now)
	return float64(now.Nano()) / 1e9
}

func usage() unix.Rusage {
	var now unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &now)
	return now
}

func since(before, now unix.Timeval) float64 {
	return float64(now.Nano()-before.Nano()) / 1e9
}

func main() {
	if err := bench(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func bench(arguments []string) error {
	if len(arguments) != 5 {
		return fmt.Errorf("usage: PROGRAM BASE_URL WORKLOAD REQUESTS CONCURRENCY WARM_UP")
	}
	workload := arguments[1]
	var numbers [3]int
	for i := range numbers {
		var err error
		if numbers[i], err = strconv.Atoi(arguments[2+i]); err != nil {
			return err
		}
	}
	requests, concurrency, warmUp := numbers[0], numbers[1], numbers[2]
	client := openai.NewClient(
		option.WithBaseURL(arguments[0]+"/"+workload+"/v1"),
		option.WithAPIKey("test-key"),
		option.WithHTTPClient(&http.Client{Transport: &http.Transport{
			TLSClientConfig:     &tls.Config{InsecureSkipVerify: true},
			MaxIdleConns:        concurrency,
			MaxIdleConnsPerHost: concurrency,
			MaxConnsPerHost:     concurrency,
		}}),
	)
	if err := run(&client, workload, warmUp, concurrency, &counts{}); err != nil {
		return err
	}

	var all counts
	wall, cpuBefore, before := time.Now(), cpu(), usage()
	if err := run(&client, workload, requests, concurrency, &all); err != nil {
		return err
	}
	used, now := cpu()-cpuBefore, usage()
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"requests":   all.requests.Load(),
		"chunks":     all.chunks.Load(),
		"text_bytes": all.textBytes.Load(),
		"cpu":        used,
		"user":       since(before.Utime, now.Utime),
		"system":     since(before.Stime, now.Stime),
		"wall":       time.Since(wall).Seconds(),
		"rss_kib":    now.Maxrss,
	})
}
