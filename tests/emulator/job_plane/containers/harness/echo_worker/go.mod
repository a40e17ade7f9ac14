module echoworker

go 1.24
