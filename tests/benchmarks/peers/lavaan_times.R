# Full-information maximum likelihood by lavaan, timed: reads names of wide CSV files (y1_0, y2_0, y1_1, ...) from
# stdin, one a line, and answers each with JSON: seconds of lavaan() as called with its defaults (standard errors, test
# of fit), and of the point estimate alone, and the processor's seconds of both. One R session for all of them, so that neither R's start nor its
# compilation of lavaan's code at first use is counted.

suppressPackageStartupMessages(library(lavaan))

model_text <- function(waves) {
  lines <- paste0("b", 1:2, " =~ ", sapply(1:2, function(m) paste0("1*y", m, "_", waves, collapse = " + ")))
  lines <- c(lines, "b1 ~~ b1 + b2", "b2 ~~ b2")
  for (wave in waves) {
    lines <- c(lines, paste0("w", 1:2, "_", wave, " =~ 1*y", 1:2, "_", wave), paste0("y", 1:2, "_", wave, " ~ 1"))
    lines <- c(lines, paste0("y", 1:2, "_", wave, " ~~ 0*y", 1:2, "_", wave))
    lines <- c(lines, sprintf("w1_%1$d ~~ w1_%1$d + w2_%1$d", wave), sprintf("w2_%1$d ~~ w2_%1$d", wave))
    if (wave > waves[1]) {
      lines <- c(lines, sprintf("w1_%d ~ a11*w1_%d + a12*w2_%d", wave, wave - 1, wave - 1))
      lines <- c(lines, sprintf("w2_%d ~ a21*w1_%d + a22*w2_%d", wave, wave - 1, wave - 1))
    }
  }
  paste(lines, collapse = "\n")
}

seconds <- function(expression) {
  spent <- system.time(expression)
  c(elapsed = spent[["elapsed"]], processor = spent[["user.self"]] + spent[["sys.self"]])
}

input <- file("stdin", "r")
while (length(line <- readLines(input, n = 1)) > 0) {
  frame <- read.csv(line)
  text <- model_text(sort(unique(as.integer(sub("y1_", "", grep("^y1_", names(frame), value = TRUE))))))
  fitted <- seconds(fit <- lavaan(text, data = frame, missing = "fiml", meanstructure = TRUE))
  point <- seconds(lavaan(
    text, data = frame, missing = "fiml", meanstructure = TRUE, se = "none", test = "none", baseline = FALSE, h1 = FALSE
  ))
  cat(sprintf(
    paste(
      '{"fit": %.4f, "point": %.4f, "fit, processor": %.4f, "point, processor": %.4f,',
      '"converged": %s, "minus 2 log likelihood": %.6f}\n'
    ),
    fitted["elapsed"], point["elapsed"], fitted["processor"], point["processor"],
    tolower(lavInspect(fit, "converged")), -2 * as.numeric(logLik(fit))
  ))
  flush(stdout())
}
