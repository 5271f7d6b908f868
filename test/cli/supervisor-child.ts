// A program for the supervisor's tests: it is ready at once and runs until it is told to stop.
console.error('hello');
process.send?.({ event: 'ready', port: 1 });
process.on('disconnect', () => process.exit(0));
